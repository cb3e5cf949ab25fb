import type { DeviceQueue, QueueLayout, QueueState } from "@vmmkit/virtio";

/**
 * A record of the chains of one virtqueue that the device has, in memory that outlives the back-end. It is told of each step
 * of the queue's; `base` is what `DeviceQueue.base` says.
 */
export interface ChainRecord {
  /**
   * What an earlier back-end left: where the queue goes on, and with which chains. Null where there is nothing, and it
   * starts at its base.
   */
  recover(queue: DeviceQueue, layout: QueueLayout): QueueState | null;
  /** The queue starts, and no chain is out. */
  begin(queue: DeviceQueue, layout: QueueLayout): void;
  /**
   * A chain was taken.
   * @param head its name
   * @param base before that
   */
  take(head: number, base: number): void;
  /** A chain was taken, refused and given back by the queue. @param base before that */
  refuse(base: number): void;
  /** A chain is given back; the driver does not see that yet. */
  give(head: number): void;
  /** The driver is about to see what was given back. */
  publishing(): void;
  /** The driver sees it. */
  published(): void;
}
