/**
 * Byte ranges in guest memory, in order, as parallel arrays. The device brings the object; the queue fills it.
 * A network card passes its frames.
 */
export interface RangeList {
  /** How many ranges count. */
  rangeCount: number;
  /** Sum of their lengths in bytes. */
  totalBytes: number;
  /** Forgets all ranges. */
  clear(): void;
  /**
   * Adds a range at the end.
   * @param bytes the region that it lies in
   * @param offset where it starts in `bytes`
   * @param lengthBytes at least 1
   * @param gpa its guest physical address
   * @param hostAddress its address in this process, 0 where it has none
   */
  push(bytes: Uint8Array, offset: number, lengthBytes: number, gpa: number, hostAddress: number): void;
}
