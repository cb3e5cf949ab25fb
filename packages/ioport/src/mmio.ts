/** What answers for a range of guest physical addresses: the registers of a device behind a memory BAR. */
export interface MmioInterface {
  /**
   * The guest reads.
   * @param offset first byte, from the start of the range
   * @param size 1, 2 or 4 bytes, wholly inside the range
   * @returns the bytes as a little-endian number; what is above `size` bytes is cut off
   */
  read(offset: number, size: number): number;
  /**
   * The guest writes.
   * @param offset first byte, from the start of the range
   * @param size 1, 2 or 4 bytes, wholly inside the range
   * @param value unsigned, cut to `size` bytes
   */
  write(offset: number, size: number, value: number): void;
  /** Name for messages. */
  readonly desc: string;
}

/** A range of guest physical addresses, below 2^53. */
export interface MmioRange {
  /** First byte. */
  readonly start: number;
  /** Last byte, itself included. */
  readonly end: number;
}

/** A handler on a `VmmMmioList`. The list changes it as the guest moves the handler. */
export interface MmioEntry {
  /** Where it is, or where it was last while it is not mapped. */
  readonly range: MmioRange;
  /** What answers. */
  readonly iface: MmioInterface;
  /** Whether accesses reach it now. */
  readonly mapped: boolean;
}

/** Something that `VmmMmioList.onChange` tells of. */
export interface MmioChange {
  /** `mapped`: these addresses reach the entry from now on. `unmapped`: they no longer do. */
  readonly kind: "mapped" | "unmapped";
  /** First byte. */
  readonly start: number;
  /** Last byte, itself included. */
  readonly end: number;
  readonly entry: MmioEntry;
}
