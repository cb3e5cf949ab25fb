import type { DirectionStats, FaultStats } from "@vmmkit/backend-fault";
import { VIRTIO_F_RING_PACKED } from "@vmmkit/virtio";
import type { NetDevice, VirtioNetCounters } from "@vmmkit/virtio-net";
import type { GuestMemory } from "@vmmkit/vm";
import { ringFill } from "./ring-fill.ts";

/** What a card says of itself. Counts only grow. */
export interface CardReport {
  readonly name: string;
  readonly socket: string;
  readonly protocol: "vfio-user" | "vhost-user";
  readonly mac: string;
  /** Whether a VMM is connected. */
  readonly connected: boolean;
  readonly linkUp: boolean;
  /** The process that its data path is in; -1 where another one is about to take its place. */
  readonly pid: number;
  /** How often another one did. Counts began anew then. */
  readonly restarts: number;
  /** The file that a capture goes to. */
  readonly capture: string | null;
  readonly transmit: Direction;
  readonly receive: Direction;
}

/** One direction, as the guest sees it. */
export interface Direction {
  readonly frames: number;
  readonly bytes: number;
  readonly notifications: number;
  readonly interrupts: number;
  /** Frames lost, by cause. */
  readonly dropped: Readonly<Record<string, number>>;
  /** Chains of the guest's that made no sense, by cause. */
  readonly refused: Readonly<Record<string, number>>;
  /** How often an error stopped a queue. */
  readonly stopped: number;
  /** The queues that work now. */
  readonly rings: readonly Ring[];
  /** What the faults of `--fault` did, rate limits among them. */
  readonly faults: DirectionStats;
}

/** A virtqueue. */
interface Ring {
  /** Its number. */
  readonly queue: number;
  /** Entries. */
  readonly size: number;
  /** Entries that the card has: buffers to fill, frames to send. */
  readonly filled: number;
  /** Frames that went through it, while the card is there. */
  readonly frames: number;
}

/** Both directions of a card. @param memory its guest's */
export function directions(
  device: NetDevice,
  memory: GuestMemory,
  faults: FaultStats,
): Pick<CardReport, "transmit" | "receive"> {
  const { transmit, receive, transmitQueue, receiveQueue, pairs } = device.counters;
  const side = (name: "transmit" | "receive", queues: number[]): readonly Ring[] =>
    queues.flatMap((queue) => ringOf(device, memory, queue, pairs[queue >> 1]?.[name].frames ?? 0));
  const numbers = pairs.map((_, pair) => 2 * pair);
  return {
    transmit: {
      ...direction(transmit, transmitQueue),
      rings: side(
        "transmit",
        numbers.map((number) => number + 1),
      ),
      faults: faults.tx,
    },
    receive: { ...direction(receive, receiveQueue), rings: side("receive", numbers), faults: faults.rx },
  };
}

function ringOf({ state }: NetDevice, memory: GuestMemory, number: number, frames: number): Ring[] {
  const queue = state.queues[number];
  if (queue === undefined || !queue.ready) return [];
  const filled = ringFill(memory, queue, state.hasFeature(VIRTIO_F_RING_PACKED));
  return [{ queue: number, size: queue.size, filled, frames }];
}

function direction(
  { frames, bytes, dropped }: VirtioNetCounters["transmit"] | VirtioNetCounters["receive"],
  { notifications, interrupts, refused, stopped }: VirtioNetCounters["transmitQueue"],
): Omit<Direction, "rings" | "faults"> {
  return { frames, bytes, notifications, interrupts, dropped: { ...dropped }, refused: { ...refused }, stopped };
}
