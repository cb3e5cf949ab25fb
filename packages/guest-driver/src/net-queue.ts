import type { GuestRing } from "./guest-ring.ts";
import type { GuestNetCounters, GuestNetOptions, NetBufferOptions } from "./net-options.ts";
import type { GuestTransport } from "./transport.ts";

/** How the buffers of a queue look, all that was left out filled in. */
export type BufferShape = Required<Omit<NetBufferOptions, "ringSize">>;

/** What both directions of a started card work with. */
export interface NetQueue {
  readonly ring: GuestRing;
  /** The queue's number. */
  readonly index: number;
  readonly transport: GuestTransport;
  readonly counters: GuestNetCounters;
  /** Bytes of the header before a frame: 10 or 12. */
  readonly headerBytes: number;
  /** With MRG_RXBUF. */
  readonly mergeable: boolean;
  readonly indirect: NonNullable<GuestNetOptions["indirect"]>;
  readonly buffers: BufferShape;
}

/** Who decides on a notification: the device, or the caller. */
export type KickMode = "wanted" | "always" | "never";

/** Publishes what was added, and notifies the device if it wants that. */
export function publishAndKick(queue: NetQueue, mode: KickMode): void {
  const { ring, counters } = queue;
  ring.publish();
  if (mode === "never") return;
  const needed = ring.kickNeeded();
  if (needed || mode === "always") {
    counters.kicks++;
    queue.transport.notify(queue.index);
  } else {
    counters.kicksSuppressed++;
  }
}

/** Whether a chain of `parts` buffers goes into an indirect table. */
export function useIndirect(queue: NetQueue, parts: number): boolean {
  if (parts > queue.ring.indirectEntries) return false;
  return queue.indirect === "always" || (queue.indirect === "chains" && parts > 1);
}
