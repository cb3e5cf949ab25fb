/*
 * Constants of VIRTIO 1.2 that every device shares, spelled as the specification spells them. No code here: the
 * guest's side (tests, benchmarks) uses this file too.
 */

/** PCI vendor of every virtio device (4.1.2). */
export const VIRTIO_PCI_VENDOR_ID = 0x1af4;
/** Transitional and legacy PCI device ids start here; a network card is the first (4.1.2.1). */
export const VIRTIO_PCI_DEVICE_ID_TRANSITIONAL_NET = 0x1000;
/** PCI revision of a device with the legacy interface (4.1.2.3). */
export const VIRTIO_PCI_REVISION_LEGACY = 0;
/** PCI device ids of modern devices: this and the device type (4.1.2). */
export const VIRTIO_PCI_DEVICE_ID_MODERN = 0x1040;
/** PCI revision of a device without the legacy interface (4.1.2.1). */
export const VIRTIO_PCI_REVISION_MODERN = 1;
/** Subsystem ids of modern devices are not below this (4.1.2.1). */
export const VIRTIO_PCI_SUBSYSTEM_ID_MODERN = 0x40;
/** Device type of a network card, also its PCI subsystem id (5). */
export const VIRTIO_ID_NET = 1;

/** Device status: the guest has seen the device (2.1). */
export const VIRTIO_CONFIG_S_ACKNOWLEDGE = 1;
/** Device status: the guest has a driver for it. */
export const VIRTIO_CONFIG_S_DRIVER = 2;
/** Device status: the driver is ready; the device may work. */
export const VIRTIO_CONFIG_S_DRIVER_OK = 4;
/** Device status: the driver is content with the features; not in the legacy interface. */
export const VIRTIO_CONFIG_S_FEATURES_OK = 8;
/** Device status: the device can go on only after a reset. */
export const VIRTIO_CONFIG_S_NEEDS_RESET = 0x40;
/** Device status: the driver has given up. */
export const VIRTIO_CONFIG_S_FAILED = 0x80;

/** Feature bit: an interrupt whenever the device runs out of available buffers, suppressed or not (6.3). */
export const VIRTIO_F_NOTIFY_ON_EMPTY = 24;
/** Feature bit: any layout of descriptors, also of the header and the data together (6.3). */
export const VIRTIO_F_ANY_LAYOUT = 27;
/** Feature bit: descriptors that refer to tables of descriptors (2.7.5.3). */
export const VIRTIO_F_INDIRECT_DESC = 28;
/** Feature bit: `used_event` and `avail_event` (2.7.7, 2.7.10). */
export const VIRTIO_F_EVENT_IDX = 29;
/** Feature bit: VIRTIO 1.0 and later, not the legacy interface. */
export const VIRTIO_F_VERSION_1 = 32;
/** Feature bit: addresses go through an IOMMU before the device. */
export const VIRTIO_F_ACCESS_PLATFORM = 33;
/** Feature bit: packed virtqueues (2.8). */
export const VIRTIO_F_RING_PACKED = 34;
/** Feature bit: the device uses buffers in the order in which they were made available (2.7.9, 2.8.8). */
export const VIRTIO_F_IN_ORDER = 35;
/** Feature bit: memory accesses are ordered as the platform orders them. */
export const VIRTIO_F_ORDER_PLATFORM = 36;
/** Feature bit: single root I/O virtualization. */
export const VIRTIO_F_SR_IOV = 37;
/** Feature bit: a notification says how far the driver is. */
export const VIRTIO_F_NOTIFICATION_DATA = 38;
/** Feature bit: a notification carries a number that the device chose. */
export const VIRTIO_F_NOTIF_CONFIG_DATA = 39;
/** Feature bit: a queue can be reset by itself (2.6.1). */
export const VIRTIO_F_RING_RESET = 40;

/** Descriptor flag: the chain goes on at `next` (2.7.5). */
export const VIRTQ_DESC_F_NEXT = 1;
/** Descriptor flag: device-writable. Otherwise device-readable. */
export const VIRTQ_DESC_F_WRITE = 2;
/** Descriptor flag: the buffer is a table of descriptors. */
export const VIRTQ_DESC_F_INDIRECT = 4;
/** Descriptor flag of a packed virtqueue: the driver's wrap counter when it made the descriptor available (2.8.1). */
export const VIRTQ_DESC_F_AVAIL = 0x80;
/** Descriptor flag of a packed virtqueue: the inverse of that counter; the device's own once it is used (2.8.1). */
export const VIRTQ_DESC_F_USED = 0x8000;
/** Available ring flag: no interrupt, please (2.7.6). Without EVENT_IDX only. */
export const VIRTQ_AVAIL_F_NO_INTERRUPT = 1;
/** Used ring flag: no notification, please (2.7.8). Without EVENT_IDX only. */
export const VIRTQ_USED_F_NO_NOTIFY = 1;

/** Event suppression flags of a packed virtqueue: every event, please (2.8.10). */
export const RING_EVENT_FLAGS_ENABLE = 0;
/** Event suppression flags: none, please. */
export const RING_EVENT_FLAGS_DISABLE = 1;
/** Event suppression flags: one for the descriptor that the structure names. With EVENT_IDX only. */
export const RING_EVENT_FLAGS_DESC = 2;

/** Bytes of a descriptor: le64 address, le32 length, le16 flags, le16 next. */
export const VIRTQ_DESC_BYTES = 16;
/** Bytes of an entry of the used ring: le32 id, le32 length. */
export const VIRTQ_USED_ELEM_BYTES = 8;
/** The most entries that a queue can have (2.7). */
export const VIRTQ_MAX_SIZE = 32768;
/** Alignment of the used ring in the legacy layout (2.7.2), the size of a page in `QUEUE_PFN` too (4.1.4.10). */
export const VIRTIO_PCI_VRING_ALIGN = 4096;

/*
 * Registers of the legacy PCI interface in BAR 0 (4.1.4.10), without MSI-X.
 */
/** Device features, bits 0 to 31. 32 bits, read-only. */
export const VIRTIO_PCI_HOST_FEATURES = 0;
/** Driver features, bits 0 to 31. 32 bits. */
export const VIRTIO_PCI_GUEST_FEATURES = 4;
/** Page number of the selected queue. 32 bits. */
export const VIRTIO_PCI_QUEUE_PFN = 8;
/** Size of the selected queue, 0 where there is none. 16 bits, read-only. */
export const VIRTIO_PCI_QUEUE_NUM = 12;
/** Selects a queue. 16 bits. */
export const VIRTIO_PCI_QUEUE_SEL = 14;
/** Queue notify: the number of the queue. 16 bits. */
export const VIRTIO_PCI_QUEUE_NOTIFY = 16;
/** Device status. 8 bits. */
export const VIRTIO_PCI_STATUS = 18;
/** Interrupt status; reading clears it and lowers the line. 8 bits, read-only. */
export const VIRTIO_PCI_ISR = 19;
/** The device's own configuration starts here while MSI-X is off. */
export const VIRTIO_PCI_CONFIG_OFF = 20;

/** Only while MSI-X is on: the vector for changes of configuration. 16 bits. */
export const VIRTIO_MSI_CONFIG_VECTOR = 20;
/** Only while MSI-X is on: the vector of the selected queue. 16 bits. */
export const VIRTIO_MSI_QUEUE_VECTOR = 22;
/** The device's own configuration starts here while MSI-X is on. */
export const VIRTIO_PCI_CONFIG_OFF_MSIX = 24;
/** A vector register without a vector (4.1.5.1.2). */
export const VIRTIO_MSI_NO_VECTOR = 0xffff;

/*
 * Vendor capabilities of the modern PCI interface (4.1.4), by `cfg_type`.
 */
/** Common configuration. */
export const VIRTIO_PCI_CAP_COMMON_CFG = 1;
/** Notifications. */
export const VIRTIO_PCI_CAP_NOTIFY_CFG = 2;
/** ISR status. */
export const VIRTIO_PCI_CAP_ISR_CFG = 3;
/** The device's own configuration. */
export const VIRTIO_PCI_CAP_DEVICE_CFG = 4;
/** A window into the BARs in configuration space. */
export const VIRTIO_PCI_CAP_PCI_CFG = 5;

/*
 * Registers of the common configuration (4.1.4.3).
 */
/** Selects 32 of the device's features. 32 bits. */
export const VIRTIO_PCI_COMMON_DFSELECT = 0x00;
/** Device features that are selected. 32 bits, read-only. */
export const VIRTIO_PCI_COMMON_DF = 0x04;
/** Selects 32 of the driver's features. 32 bits. */
export const VIRTIO_PCI_COMMON_GFSELECT = 0x08;
/** Driver features that are selected. 32 bits. */
export const VIRTIO_PCI_COMMON_GF = 0x0c;
/** Vector for changes of configuration. 16 bits. */
export const VIRTIO_PCI_COMMON_MSIX = 0x10;
/** Number of queues. 16 bits, read-only. */
export const VIRTIO_PCI_COMMON_NUMQ = 0x12;
/** Device status. 8 bits. */
export const VIRTIO_PCI_COMMON_STATUS = 0x14;
/** Changes with the configuration. 8 bits, read-only. */
export const VIRTIO_PCI_COMMON_CFGGENERATION = 0x15;
/** Selects a queue. 16 bits. */
export const VIRTIO_PCI_COMMON_Q_SELECT = 0x16;
/** Size of the selected queue; the driver may make it smaller. 16 bits. */
export const VIRTIO_PCI_COMMON_Q_SIZE = 0x18;
/** Vector of the selected queue. 16 bits. */
export const VIRTIO_PCI_COMMON_Q_MSIX = 0x1a;
/** 1 starts the selected queue. 16 bits. */
export const VIRTIO_PCI_COMMON_Q_ENABLE = 0x1c;
/** Where the selected queue is notified, in units of the multiplier. 16 bits, read-only. */
export const VIRTIO_PCI_COMMON_Q_NOFF = 0x1e;
/** Address of the descriptor area, 64 bits in two registers: low, high. */
export const VIRTIO_PCI_COMMON_Q_DESCLO = 0x20;
/** Address of the driver area, likewise. */
export const VIRTIO_PCI_COMMON_Q_AVAILLO = 0x28;
/** Address of the device area, likewise. */
export const VIRTIO_PCI_COMMON_Q_USEDLO = 0x30;
/** What a notification has to carry with NOTIF_CONFIG_DATA. 16 bits, read-only. */
export const VIRTIO_PCI_COMMON_Q_NDATA = 0x38;
/** 1 resets the selected queue, with RING_RESET. 16 bits. */
export const VIRTIO_PCI_COMMON_Q_RESET = 0x3a;
/** Bytes of the common configuration. */
export const VIRTIO_PCI_COMMON_CFG_BYTES = 0x3c;

/*
 * Registers of MMIO (4.2.2), 32 bits each.
 */
/** "virt", read-only. */
export const VIRTIO_MMIO_MAGIC_VALUE = 0x000;
/** 2, read-only; the legacy interface has 1. */
export const VIRTIO_MMIO_VERSION = 0x004;
/** Device type, read-only. */
export const VIRTIO_MMIO_DEVICE_ID = 0x008;
/** Vendor, read-only. */
export const VIRTIO_MMIO_VENDOR_ID = 0x00c;
/** Device features that are selected, read-only. */
export const VIRTIO_MMIO_DEVICE_FEATURES = 0x010;
/** Selects 32 of the device's features, write-only. */
export const VIRTIO_MMIO_DEVICE_FEATURES_SEL = 0x014;
/** Driver features that are selected, write-only. */
export const VIRTIO_MMIO_DRIVER_FEATURES = 0x020;
/** Selects 32 of the driver's features, write-only. */
export const VIRTIO_MMIO_DRIVER_FEATURES_SEL = 0x024;
/** Selects a queue, write-only. */
export const VIRTIO_MMIO_QUEUE_SEL = 0x030;
/** The most entries of the selected queue, 0 where there is none, read-only. */
export const VIRTIO_MMIO_QUEUE_NUM_MAX = 0x034;
/** Entries of the selected queue, write-only. */
export const VIRTIO_MMIO_QUEUE_NUM = 0x038;
/** 1 starts the selected queue, 0 stops it. */
export const VIRTIO_MMIO_QUEUE_READY = 0x044;
/** Queue notify: the number of the queue in the lower 16 bits, write-only. */
export const VIRTIO_MMIO_QUEUE_NOTIFY = 0x050;
/** Interrupt status, read-only. Reading changes nothing. */
export const VIRTIO_MMIO_INTERRUPT_STATUS = 0x060;
/** Clears bits of the interrupt status, write-only. */
export const VIRTIO_MMIO_INTERRUPT_ACK = 0x064;
/** Device status. */
export const VIRTIO_MMIO_STATUS = 0x070;
/** Address of the descriptor area, 64 bits in two registers: low, high; write-only. */
export const VIRTIO_MMIO_QUEUE_DESC_LOW = 0x080;
/** Address of the driver area, likewise. */
export const VIRTIO_MMIO_QUEUE_AVAIL_LOW = 0x090;
/** Address of the device area, likewise. */
export const VIRTIO_MMIO_QUEUE_USED_LOW = 0x0a0;
/** Length and address of a shared memory region: all ones, as there is none. 4 registers, read-only. */
export const VIRTIO_MMIO_SHM_LEN_LOW = 0x0b0;
/** 1 resets the selected queue, with RING_RESET. */
export const VIRTIO_MMIO_QUEUE_RESET = 0x0c0;
/** Changes with the configuration, read-only. */
export const VIRTIO_MMIO_CONFIG_GENERATION = 0x0fc;
/** The device's own configuration starts here. */
export const VIRTIO_MMIO_CONFIG = 0x100;
/** What `VIRTIO_MMIO_MAGIC_VALUE` reads. */
export const VIRTIO_MMIO_MAGIC = 0x7472_6976;

/** Interrupt status: a queue has used buffers. */
export const VIRTIO_PCI_ISR_QUEUE = 1;
/** Interrupt status: the device's configuration has changed. */
export const VIRTIO_PCI_ISR_CONFIG = 2;
