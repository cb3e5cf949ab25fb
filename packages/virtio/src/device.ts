import type { Restoration } from "@vmmkit/vm";
import type { Virtqueue } from "./queue/virtqueue.ts";

/**
 * What a kind of device brings to a transport: its identity, its features, its queues and its configuration.
 * The transport (and `DeviceState`) does the rest.
 */
export interface VirtioDevice {
  /** Device type, as VIRTIO_ID_NET (5). */
  readonly deviceId: number;
  /** Features on offer, bits 0 to 31. */
  readonly featuresLow: number;
  /** Features on offer, bits 32 to 63. */
  readonly featuresHigh: number;
  /** Entries of each queue: powers of two from 1 to 32768. */
  readonly queueSizes: readonly number[];
  /** The device's configuration as the guest reads it, from its start. The device keeps it up to date. */
  readonly config: Uint8Array;
  /**
   * The guest wrote a byte of the configuration. Writes that the device has no use for are ignored.
   * @param legacy it did so through the legacy interface, which lets it write fields that are read-only otherwise
   */
  configWrite(offset: number, value: number, legacy: boolean): void;
  /**
   * Whether the device can work with these features, all of which it offers: false where one is there without another
   * that it needs. FEATURES_OK is refused then (2.2.2). Absent: with any. A legacy driver does not ask.
   */
  acceptsFeatures?(low: number, high: number): boolean;
  /**
   * A queue is ready, and with it the driver: at DRIVER_OK ahead of `driverOk`, or later for a queue that is placed
   * later. The object may be another one each time, as the format and the size are the guest's choice; it is the
   * device's to use until the next `queueReset` or `reset`.
   */
  queueReady(index: number, queue: Virtqueue): void;
  /** The driver is ready (DRIVER_OK was set): queues and features stay as they are until a reset. */
  driverOk(): void;
  /** The guest notified a queue that is ready, after DRIVER_OK. */
  notify(queue: number): void;
  /**
   * A queue that works is about to be stopped while the device goes on: whatever the device holds of it is to go back
   * to the driver now, unused.
   */
  queueStopping?(queue: number): void;
  /** The guest took a queue away or put it elsewhere without a reset of the device: what was in it is gone. */
  queueReset?(queue: number): void;
  /** The guest reset the device: whatever it does for the guest ends here. The queues have been reset. */
  reset(): void;
  /** All of its state, that of its `DeviceState` included. Absent: it has no other. */
  save?(): unknown;
  /** See `Saveable.prepare` of `@vmmkit/vm`. Absent where `save` is. */
  prepare?(state: unknown): Restoration;
}
