import { Frame, readFrame, writeFrame } from "@vmmkit/ethif";
import {
  QUEUE_EMPTY,
  QUEUE_REFUSED,
  QUEUE_STOPPED,
  VIRTIO_NET_ERR,
  VIRTIO_NET_OK,
  type Virtqueue,
} from "@vmmkit/virtio";
import type { GuestMemory } from "@vmmkit/vm";
import { rebindFrame } from "../rebind.ts";
import { noteRanges } from "../receive-slot.ts";
import type { ControlCommand } from "./control-command.ts";
import type { ControlCounters } from "./control-counters.ts";
import { CONTROL_HEADER_BYTES, ControlData } from "./control-data.ts";

/** What the control queue needs of its card. */
export interface ControlHost {
  readonly memory: GuestMemory;
  /** Whether the driver is ready, and has not reset the card since. */
  readonly running: boolean;
  /** Whether a feature was negotiated. */
  has(feature: number): boolean;
  /** Interrupts the guest for the control queue, if it wants that. */
  interrupt(): void;
  /** Runs a task in a later turn. */
  later(task: () => void): void;
}

/**
 * The control queue (VIRTIO 1.2, 5.1.6.5): takes commands one by one, has them carried out, and writes `ack`. A
 * command that is unknown, not negotiated, or of the wrong length is answered with VIRTIO_NET_ERR. One without room for
 * the answer is given back and nothing is done. The work of a notification is bounded by the ring; what is left waits
 * for a later turn.
 */
export class ControlQueue {
  readonly #host: ControlHost;
  readonly #commands: readonly ControlCommand[];
  readonly #counters: ControlCounters;
  readonly #readable = new Frame();
  readonly #writable = new Frame();
  readonly #data = new ControlData(this.#readable);
  readonly #header = new Uint8Array(CONTROL_HEADER_BYTES);
  readonly #resume = (): void => this.run();
  #queue: Virtqueue | null = null;
  #running = false;

  constructor(host: ControlHost, commands: readonly ControlCommand[], counters: ControlCounters) {
    this.#host = host;
    this.#commands = commands;
    this.#counters = counters;
  }

  /** The guest placed the queue. */
  attach(queue: Virtqueue): void {
    this.#queue = queue;
  }

  /** The guest reset the card, or took the queue away. */
  reset(): void {
    this.#queue = null;
  }

  /** Carries out what the guest has made available. */
  run(): void {
    const queue = this.#queue;
    // A command may let frames flow, and a guest may run within that: the run under way goes on.
    if (queue === null || this.#running || !this.#host.running || !queue.begin()) return;
    this.#running = true;
    try {
      this.#runAll(queue);
    } finally {
      this.#running = false;
    }
  }

  #runAll(queue: Virtqueue): void {
    let budget = queue.size;
    do {
      queue.disableNotify();
      for (; budget > 0; budget--) {
        const head = queue.popMixed(this.#readable, this.#writable);
        if (head === QUEUE_EMPTY || head === QUEUE_STOPPED) break;
        if (head === QUEUE_REFUSED) continue;
        const written = this.#handle();
        // What the command did may have reached a guest that reset the card or moved the ring.
        if (!this.#alive(queue)) return;
        queue.addUsed(head, written);
      }
      queue.publish();
      this.#host.interrupt();
      if (budget === 0) {
        this.#host.later(this.#resume);
        return;
      }
    } while (queue.enableNotify());
  }

  #alive(queue: Virtqueue): boolean {
    return this.#host.running && this.#queue === queue && queue.begin();
  }

  /** Carries one command out and answers it. @returns bytes written */
  #handle(): number {
    const room = this.#writable.totalBytes;
    if (room === 0) {
      this.#counters.malformed++;
      return 0;
    }
    const { memory } = this.#host;
    const generation = memory.generation;
    const command = this.#find();
    const answer = new Uint8Array(1 + (command?.answerBytes ?? 0));
    const done = command !== undefined && answer.length <= room && command.run(this.#data, answer);
    if (done) this.#counters.done++;
    else this.#counters.refused++;
    if (memory.generation !== generation) rebindFrame(this.#writable, memory);
    return this.#acknowledge(answer.subarray(0, room), done);
  }

  /** The command that is asked for, if it may be. */
  #find(): ControlCommand | undefined {
    const header = this.#header;
    if (readFrame(this.#readable, header) < CONTROL_HEADER_BYTES) return undefined;
    const [controlClass, command] = header;
    const found = this.#commands.find((one) => one.class === controlClass && one.command === command);
    if (found === undefined || !found.features.some((feature) => this.#host.has(feature))) return undefined;
    return found.dataBytes === undefined || found.dataBytes === this.#data.length ? found : undefined;
  }

  /** Writes the answer, of which the last byte is `ack`. */
  #acknowledge(answer: Uint8Array, done: boolean): number {
    answer[answer.length - 1] = done ? VIRTIO_NET_OK : VIRTIO_NET_ERR;
    noteRanges(this.#host.memory, this.#writable, this.#writable.rangeCount, answer.length);
    return writeFrame(this.#writable, answer);
  }
}
