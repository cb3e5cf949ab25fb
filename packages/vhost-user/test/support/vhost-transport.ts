import type { GuestTransport } from "@vmmkit/guest-driver";
import { EventFd } from "@vmmkit/posix";
import { type FrontEnd, longs, words } from "./front-end.ts";
import { MEMORY } from "./rig.ts";

const DRIVER_OK = 4;
const PROTOCOL_FEATURES = 2 ** 30;
/** Where the front-end's own address space has what the guest has at an address. */
const user = (gpa: number): number => gpa - MEMORY.gpa + MEMORY.user;

interface Queue {
  readonly index: number;
  readonly size: number;
  readonly descTable: number;
  readonly availRing: number;
  readonly usedRing: number;
  readonly kick: EventFd;
  readonly call: EventFd;
}

/** How the front-end behaves. */
export interface VhostTransportOptions {
  /** Agree on PROTOCOL_FEATURES, so that rings have to be enabled. Default true. */
  readonly protocolFeatures?: boolean;
  /** Enable the rings. Default true. */
  readonly enable?: boolean;
  /** Entries of each queue. Default 64. */
  readonly size?: number;
}

/** A VMM's registers over a vhost-user back-end: what a driver writes becomes requests when it is ready. */
export class VhostTransport implements GuestTransport {
  readonly legacyLayout: boolean = false;
  /** The queues that are set up. */
  readonly queues: Queue[] = [];
  #frontEnd: FrontEnd;
  readonly #options: VhostTransportOptions;
  readonly #offered: DataView;
  readonly #features: [number, number] = [0, 0];
  #status = 0;

  constructor(frontEnd: FrontEnd, options: VhostTransportOptions = {}) {
    this.#frontEnd = frontEnd;
    this.#options = options;
    this.#offered = frontEnd.ask(1);
  }

  /** What the driver chose: bits 0 to 31, and 32 to 63. */
  get driverFeatures(): readonly [low: number, high: number] {
    return this.#features;
  }

  readDeviceFeatures(word: number): number {
    const bits = this.#offered.getUint32(4 * word, true);
    return word === 0 ? bits & ~PROTOCOL_FEATURES : bits;
  }

  writeDriverFeatures(word: number, bits: number): void {
    this.#features[word === 0 ? 0 : 1] = bits;
  }

  readStatus(): number {
    return this.#status;
  }

  writeStatus(status: number): void {
    const wasReady = (this.#status & DRIVER_OK) !== 0;
    this.#status = status;
    if (status === 0) this.#stop();
    else if (!wasReady && (status & DRIVER_OK) !== 0) this.#start();
  }

  readIsr(): number {
    return this.queues.some(({ call }) => call.take() > 0) ? 1 : 0;
  }

  readQueueSize(): number {
    return this.#options.size ?? 64;
  }

  writeQueue(index: number, descTable: number, availRing: number, usedRing: number): void {
    const size = this.readQueueSize();
    const bells = { kick: new EventFd(), call: new EventFd() };
    this.queues.push({ index, size, descTable, availRing, usedRing, ...bells });
  }

  notify(queue: number): void {
    this.queues.find(({ index }) => index === queue)?.kick.signal();
    this.#frontEnd.turn();
  }

  readConfig(offset: number, size: 1 | 2 | 4): number {
    const answer = this.#frontEnd.ask(24, Uint8Array.from([...words(offset, size, 0), 0, 0, 0, 0].slice(0, 12 + size)));
    if (size === 1) return answer.getUint8(12);
    return size === 2 ? answer.getUint16(12, true) : answer.getUint32(12, true);
  }

  writeConfig(): void {
    // The VMM's own business.
  }

  /**
   * The back-end died, and there is another one: its rings are set up as a VMM does that got no answer to GET_VRING_BASE.
   * @param base what it says of a queue then
   */
  moveTo(frontEnd: FrontEnd, base: (queue: Queue) => number): void {
    this.#frontEnd = frontEnd;
    frontEnd.tell(2, words(this.#features[0] + PROTOCOL_FEATURES, this.#features[1]));
    for (const queue of this.queues) {
      this.setUp(queue, base(queue));
      frontEnd.tell(18, words(queue.index, 1));
    }
  }

  /** Sets a queue up, as a VMM does. @param base where it goes on */
  setUp({ index, size, descTable, availRing, usedRing, kick, call }: Queue, base = 0): void {
    const frontEnd = this.#frontEnd;
    frontEnd.tell(8, words(index, size));
    frontEnd.tell(10, words(index, base));
    frontEnd.tell(9, Uint8Array.from([...words(index, 0), ...longs(...[descTable, usedRing, availRing].map(user), 0)]));
    frontEnd.tell(13, words(index, 0), [call.fd]);
    frontEnd.tell(12, words(index, 0), [kick.fd]);
  }

  #start(): void {
    const { protocolFeatures = true, enable = protocolFeatures } = this.#options;
    const low = protocolFeatures ? this.#features[0] + PROTOCOL_FEATURES : this.#features[0];
    // Some front-ends enable rings before anything else, and more than once.
    if (enable) for (const { index } of this.queues) this.#frontEnd.tell(18, words(index, 1));
    this.#frontEnd.tell(2, words(low, this.#features[1]));
    const packed = (this.#features[1] & 4) !== 0;
    for (const queue of this.queues) this.setUp(queue, packed ? 0x8000_8000 : 0);
    if (enable) for (const { index } of this.queues) this.#frontEnd.tell(18, words(index, 1));
  }

  #stop(): void {
    for (const { index, kick, call } of this.queues.splice(0)) {
      this.#frontEnd.ask(11, words(index, 0));
      kick.close();
      call.close();
    }
  }
}
