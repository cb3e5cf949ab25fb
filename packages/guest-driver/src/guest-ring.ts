import type { RingLayout } from "./ring-layout.ts";

/** How a ring is driven. */
export interface GuestRingOptions {
  /** `VIRTIO_F_EVENT_IDX` is negotiated. Default false. */
  readonly eventIdx?: boolean;
  /** `VIRTIO_F_IN_ORDER` is negotiated: a device that uses buffers in another order is found out. Default false. */
  readonly inOrder?: boolean;
  /** Room for this many descriptors in each indirect table; every chain can have one. Default 0: no tables. */
  readonly indirectEntries?: number;
}

/**
 * The driver's side of a virtqueue, split or packed: builds chains, publishes them, and takes them back. A chain has a
 * name from 0 to `size - 1`: its head, or its buffer id.
 */
export interface GuestRing {
  /** Where the ring is. */
  readonly layout: RingLayout;
  /** Entries. */
  readonly size: number;
  /** Room in each indirect table, 0 without tables. */
  readonly indirectEntries: number;
  /** Bytes that the device wrote, of the chain that `popUsed` answered last. */
  readonly usedLength: number;
  /** Descriptors that are free. */
  readonly freeCount: number;
  /** Chains that have been ended and not taken back: the device has them. */
  readonly outCount: number;
  /** Chains ended since `kickNeeded` was last asked. */
  readonly unkickedCount: number;

  /** Starts a chain. @throws RingError where the last one was not ended */
  begin(): void;
  /** Adds a device-readable buffer. @throws RingError where there is no room, or a writable one came before */
  readable(gpa: number, lengthBytes: number): void;
  /** Adds a device-writable buffer. @throws RingError where there is no room */
  writable(gpa: number, lengthBytes: number): void;
  /** Puts the rest of the chain into an indirect table. @throws RingError where the ring has no tables, or no room */
  indirect(): void;
  /** Ends the chain; the device sees it after `publish`. @returns its name. @throws RingError for an empty one */
  end(): number;
  /** Shows the device all chains ended so far. */
  publish(): void;
  /** Whether the device wants to be notified of what was published since the last call. */
  kickNeeded(): boolean;
  /** Chains that the device has given back and that wait to be taken. */
  usedCount(): number;
  /**
   * Takes back the next chain; its descriptors are free again and `usedLength` says what the device wrote.
   * @returns its name, or -1 where the device has given nothing back
   * @throws RingError where the device broke the rules
   */
  popUsed(): number;
  /** Asks for no interrupts. A hint, which a device may miss. */
  disableInterrupts(): void;
  /**
   * Asks for an interrupt when chains are used.
   * @param chains with EVENT_IDX: only when about this many more are used. Default 1
   * @returns whether as many were given back already: there may be no interrupt for them, so look at once
   */
  enableInterrupts(chains?: number): boolean;
  /** Gives back the memory of the indirect tables. */
  dispose(): void;
}
