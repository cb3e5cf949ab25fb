/**
 * Numbers of the PCI Local Bus Specification 3.0, chapter 6, by the names everybody greps for.
 */

/** Bytes of a function's configuration space. */
export const PCI_CONFIG_SPACE_BYTES = 256;
/** Devices of a bus. */
export const PCI_DEVICES = 32;
/** Functions of a device. */
export const PCI_FUNCTIONS = 8;
/** Base address registers of a type 0 header. */
export const PCI_BARS = 6;

// Registers of a type 0 header, by offset (6.1).
export const PCI_VENDOR_ID = 0x00;
export const PCI_DEVICE_ID = 0x02;
export const PCI_COMMAND = 0x04;
export const PCI_STATUS = 0x06;
export const PCI_REVISION_ID = 0x08;
export const PCI_CLASS_PROG = 0x09;
export const PCI_CLASS_DEVICE = 0x0a;
export const PCI_CACHE_LINE_SIZE = 0x0c;
export const PCI_LATENCY_TIMER = 0x0d;
export const PCI_HEADER_TYPE = 0x0e;
export const PCI_BIST = 0x0f;
export const PCI_BASE_ADDRESS_0 = 0x10;
export const PCI_BASE_ADDRESS_5 = 0x24;
export const PCI_CARDBUS_CIS = 0x28;
export const PCI_SUBSYSTEM_VENDOR_ID = 0x2c;
export const PCI_SUBSYSTEM_ID = 0x2e;
export const PCI_ROM_ADDRESS = 0x30;
export const PCI_CAPABILITY_LIST = 0x34;
export const PCI_INTERRUPT_LINE = 0x3c;
export const PCI_INTERRUPT_PIN = 0x3d;
export const PCI_MIN_GNT = 0x3e;
export const PCI_MAX_LAT = 0x3f;
/** First byte behind the header: where capabilities may be. */
export const PCI_STD_HEADER_SIZEOF = 0x40;

// Command register (6.2.2).
export const PCI_COMMAND_IO = 0x0001;
export const PCI_COMMAND_MEMORY = 0x0002;
export const PCI_COMMAND_MASTER = 0x0004;
export const PCI_COMMAND_PARITY = 0x0040;
export const PCI_COMMAND_SERR = 0x0100;
export const PCI_COMMAND_INTX_DISABLE = 0x0400;

// Status register (6.2.3).
export const PCI_STATUS_INTERRUPT = 0x0008;
export const PCI_STATUS_CAP_LIST = 0x0010;
/** Master data parity error, aborts, system error, parity error: a 1 written clears. */
export const PCI_STATUS_ERROR_BITS = 0xf900;

// Header type register (6.2.1).
export const PCI_HEADER_TYPE_NORMAL = 0x00;
export const PCI_HEADER_TYPE_MASK = 0x7f;
export const PCI_HEADER_TYPE_MULTI_FUNCTION = 0x80;

// Base address registers (6.2.5.1).
export const PCI_BASE_ADDRESS_SPACE_IO = 0x01;
export const PCI_BASE_ADDRESS_MEM_TYPE_64 = 0x04;
export const PCI_BASE_ADDRESS_MEM_PREFETCH = 0x08;

// Capabilities (6.7).
export const PCI_CAP_LIST_ID = 0;
export const PCI_CAP_LIST_NEXT = 1;
export const PCI_CAP_ID_MSI = 0x05;
export const PCI_CAP_ID_VNDR = 0x09;
export const PCI_CAP_ID_MSIX = 0x11;

// Message control of MSI (6.8.1.3) and the lengths of both capabilities.
export const PCI_MSI_FLAGS = 2;
export const PCI_MSI_FLAGS_64BIT = 0x0080;
export const PCI_MSI_FLAGS_MASKBIT = 0x0100;
export const PCI_CAP_MSIX_SIZEOF = 12;

// Configuration mechanism #1 (3.2.2.3.2).
export const PCI_CONFIG_ADDRESS_PORT = 0xcf8;
export const PCI_CONFIG_DATA_PORT = 0xcfc;
export const PCI_CONFIG_LAST_PORT = 0xcff;
export const PCI_CONFIG_ENABLE = 0x8000_0000;
