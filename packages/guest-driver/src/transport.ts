/**
 * A virtio device as its driver reaches it: what the transports (legacy PCI, and others) have in common. A transport
 * only moves values to and from registers; the order of things is the driver's.
 */
export interface GuestTransport {
  /** Whether `setQueue` places a queue as a whole (legacy layout, 4096 bytes aligned) or part by part. */
  readonly legacyLayout: boolean;
  /** Bits `32 * word` to `32 * word + 31` of the features that the device offers. */
  readDeviceFeatures(word: number): number;
  /** Tells the device which of those bits the driver accepts. */
  writeDriverFeatures(word: number, bits: number): void;
  /** Reads the device status (VIRTIO 1.2, 2.1). */
  readStatus(): number;
  /** Writes the device status; 0 resets the device. */
  writeStatus(status: number): void;
  /** Reads the interrupt status, which clears it and lowers the line (4.1.4.5). */
  readIsr(): number;
  /** The size that the device gives queue `queue`; 0 where it has none. */
  readQueueSize(queue: number): number;
  /**
   * Says where queue `queue` is, and thereby that it may be used. All addresses 0: takes the queue away, where the
   * transport can.
   * @param size entries, where the driver wants fewer than `readQueueSize` said
   */
  writeQueue(queue: number, descTable: number, availRing: number, usedRing: number, size?: number): void;
  /** Tells the device that queue `queue` has new chains. */
  notify(queue: number): void;
  /** Reads 1, 2 or 4 bytes of the device's own configuration. */
  readConfig(offset: number, size: 1 | 2 | 4): number;
  /** Writes 1, 2 or 4 bytes of the device's own configuration. */
  writeConfig(offset: number, size: 1 | 2 | 4, value: number): void;
}
