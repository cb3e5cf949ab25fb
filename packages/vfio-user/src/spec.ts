/* The vfio-user protocol, version 0.1 (QEMU: docs/interop/vfio-user), and what it takes from <linux/vfio.h>. */

/** Protocol version. The major number has to be the client's, the minor is at most the client's. */
export const VERSION_MAJOR = 0;
export const VERSION_MINOR = 1;

/** Each message starts with it: id, command, length, flags, error. */
export const HEADER_BYTES = 16;

/** Commands (C: `VFIO_USER_*`) that a server answers. */
export const Command = {
  Version: 1,
  DmaMap: 2,
  DmaUnmap: 3,
  DeviceGetInfo: 4,
  DeviceGetRegionInfo: 5,
  DeviceGetIrqInfo: 7,
  DeviceSetIrqs: 8,
  RegionRead: 9,
  RegionWrite: 10,
  DeviceReset: 13,
} as const;

/** Bits of a header's flags: the type, and what a command or a reply says of itself. */
export const TYPE_MASK = 0xf;
export const TYPE_COMMAND = 0;
export const TYPE_REPLY = 1;
export const FLAG_NO_REPLY = 0x10;
export const FLAG_ERROR = 0x20;

/** Bits of `DmaMap`. */
export const DMA_READ = 1;
export const DMA_WRITE = 2;
/** Bits of `DmaUnmap`. */
export const DMA_UNMAP_DIRTY_BITMAP = 1;
export const DMA_UNMAP_ALL = 2;

/** Bits of a device's information. */
export const DEVICE_RESET = 1;
export const DEVICE_PCI = 2;

/** The regions of a PCI device: six BARs, ROM, configuration space, VGA. */
export const BAR_REGIONS = 6;
export const CONFIG_REGION = 7;
export const REGION_COUNT = 9;

/** Bits of a region's information. */
export const REGION_READ = 1;
export const REGION_WRITE = 2;

/** The kinds of interrupts of a PCI device: INTx, MSI, MSI-X, error, request. */
export const IRQ_INTX = 0;
export const IRQ_MSIX = 2;
export const IRQ_COUNT = 5;

/** Bits of a kind of interrupts' information. */
export const IRQ_EVENTFD = 1;
export const IRQ_MASKABLE = 2;
export const IRQ_AUTOMASKED = 4;

/** Bits of `DeviceSetIrqs`. */
export const IRQ_DATA_NONE = 1;
export const IRQ_DATA_BOOL = 2;
export const IRQ_DATA_EVENTFD = 4;
export const IRQ_ACTION_MASK = 8;
export const IRQ_ACTION_UNMASK = 16;
export const IRQ_ACTION_TRIGGER = 32;

/** Errors in replies, as Linux numbers them. */
export const ENOENT = 2;
export const E2BIG = 7;
export const EEXIST = 17;
export const EINVAL = 22;
export const ENOSPC = 28;
export const EOPNOTSUPP = 95;
