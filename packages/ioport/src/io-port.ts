/** How a handler gets its ports (C original: `ioport_type_t` with `IOPORT_FREE` and `IOPORT_ADDR`). */
export const IoPortType = {
  /** The list finds a free range of `size` ports. */
  Free: 0,
  /** The handler gets exactly `start` to `end`. */
  Addr: 1,
} as const;
export type IoPortType = (typeof IoPortType)[keyof typeof IoPortType];

/** A range of ports (C original: `ioport_range_t`). */
export interface IoPortRange {
  /** First port, 0 to 0xffff. A request of type `Free` leaves it to the list. */
  readonly start: number;
  /** Last port, itself included. A request of type `Free` leaves it to the list. */
  readonly end: number;
  /** Number of ports, 1 to 0x10000. A request of type `Addr` leaves it to `start` and `end`. */
  readonly size: number;
}

/** What answers for a range of ports (C original: `ioport_interface_t`). */
export interface IoPortInterface {
  /**
   * The guest reads.
   * @param port the absolute port of the first byte
   * @param size 1, 2 or 4 bytes, wholly inside the handler's range
   * @returns the bytes as a little-endian number; what is above `size` bytes is cut off
   */
  portIn(port: number, size: number): number;
  /**
   * The guest writes.
   * @param port the absolute port of the first byte
   * @param size 1, 2 or 4 bytes, wholly inside the handler's range
   * @param value unsigned, cut to `size` bytes
   */
  portOut(port: number, size: number, value: number): void;
  /** Name for messages. */
  readonly desc: string;
}

/** A handler on a list (C original: `ioport_entry_t`). The list changes it as the guest moves the handler. */
export interface IoPortEntry {
  /** Where it is, or where it was last while it is not mapped. */
  readonly range: IoPortRange;
  /** What answers. */
  readonly iface: IoPortInterface;
  /** Whether its ports reach it now. */
  readonly mapped: boolean;
}

/** Something that `VmmIoPortList.onChange` tells of. */
export interface IoPortChange {
  /** `mapped`: these ports reach the entry from now on. `unmapped`: they no longer do. */
  readonly kind: "mapped" | "unmapped";
  /** First port. */
  readonly start: number;
  /** Last port, itself included. */
  readonly end: number;
  /** Whose ports. */
  readonly entry: IoPortEntry;
}
