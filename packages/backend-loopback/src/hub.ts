import type { Backend, LinkInfo, MacAddress } from "@vmmkit/ethif";
import { CardPort } from "./card-port.ts";
import { ChannelPort } from "./channel-port.ts";
import { type Defer, nextTurn } from "./defer.ts";
import type { FrameChannel } from "./frame-channel.ts";
import { checkInteger, checkPowerOf2, LengthLimits, makeLink } from "./link.ts";
import { MacSource } from "./mac-source.ts";
import { MacTable } from "./mac-table.ts";
import type { PortStats } from "./port-counters.ts";
import { MAX_RING_BYTES, MIN_RING_BYTES } from "./ring-layout.ts";
import { SwitchCore } from "./switch-core.ts";
import { TapList, type TapListener } from "./tap-list.ts";

/** A port's buffer: 690 full frames, as TCP's bursts are. */
const BUFFER_BYTES = 0x10_0000;

/** Options of a hub. */
export interface HubOptions {
  /** Largest payload of a frame in bytes, for all ports: 68 to 65535. Default 1500. */
  readonly mtu?: number;
  /**
   * Bits of `Offload` that pass through, for all ports: a frame with its checksum left open, or longer than the
   * MTU, goes to its receiver as it is. A card of `@vmmkit/virtio-net` does for its guest what that does not take; a
   * port for something else may need 0. Default all.
   */
  readonly offloads?: number;
  /** How many stations are remembered: a power of two from 4 to 65536. Default 1024. */
  readonly stations?: number;
  /** A station is forgotten when that many frames went through the hub since it was heard. Default 1048576. */
  readonly stationAgeFrames?: number;
  /** First four bytes of the addresses given to ports; locally administered. Default: 02 and three random bytes. */
  readonly macPrefix?: Uint8Array;
  /** How to go on in a later turn when guests keep answering each other. Default: a timer of 0 ms. */
  readonly defer?: Defer;
}

/** Options of a hub's port. */
export interface HubPortOptions {
  /** The port's name in statistics and taps. Default `port1`, `port2`, … */
  readonly name?: string;
  /** The card's address, unique in the hub. Copied. Default: made up by the hub. */
  readonly mac?: MacAddress;
  /** Whether the link is up at the start. Default true. */
  readonly linkUp?: boolean;
  /**
   * Memory for frames that the guest has no room for yet: 0, or a power of two from 262144. Taken when it is first
   * needed. What does not fit is dropped and counted. Default 1048576.
   */
  readonly bufferBytes?: number;
  /** How many frames are gathered for one interrupt at most, 1 to 65536. Default 256. */
  readonly batchFrames?: number;
}

/** A hub's port: the backend of one card. `close` takes the port out of the hub. */
export interface HubPort extends Backend {
  /** The port's name. */
  readonly name: string;
  /** What it counted so far. */
  stats(): PortStats;
  /** Plugs the cable in or pulls it; the guest is told. Frames that wait at a port whose link goes down are dropped. */
  setLink(up: boolean): void;
}

/** Options of `Hub.join`. */
export interface HubJoinOptions {
  /** The port's name in statistics and taps. Default `port1`, `port2`, … */
  readonly name?: string;
}

/**
 * A hub's port whose card is on another thread. It leaves the hub by itself when the other end is closed or its
 * thread has ended.
 */
export interface HubChannelPort {
  /** The port's name. */
  readonly name: string;
  /** An address that no other port of the hub has, for the card: give it to `channelBackend` on the other thread. */
  readonly mac: MacAddress;
  /** What it counted so far. */
  stats(): PortStats;
  /** Plugs the cable in or pulls it; the guest is told. */
  setLink(up: boolean): void;
  /** Looks for frames. The doorbell does that too; this is for a thread that is busy between turns. */
  poll(): void;
  /** Takes the port out of the hub and closes the channel. */
  close(): void;
}

/** What a hub counted so far. */
export interface HubStats {
  /** Per port that is open. */
  readonly ports: readonly PortStats[];
  /** Taps that threw an error and were ended. */
  readonly failedTaps: number;
}

/**
 * Joins any number of cards: a learning switch. A frame for a station that was heard goes to its port, every other
 * to all ports but the one that it came from. A port that is slow or full loses its own frames and delays nobody
 * else's. What a burst brings a port is given to its guest at once, with one interrupt.
 */
export class Hub {
  readonly #options: HubOptions;
  readonly #link: Required<LinkInfo>;
  readonly #macs: MacSource;
  readonly #taps = new TapList();
  readonly #core: SwitchCore;
  #portsMade = 0;

  /** @throws TypeError, RangeError for an impossible option */
  constructor(options: HubOptions = {}) {
    const link = makeLink(options);
    this.#link = link;
    const stations = checkPowerOf2("stations", options.stations ?? 1024, 4, 0x1_0000);
    const age = checkInteger("stationAgeFrames", options.stationAgeFrames ?? 0x10_0000, 1, Number.MAX_SAFE_INTEGER);
    this.#options = options;
    this.#macs = new MacSource(options.macPrefix);
    const table = new MacTable(stations, age);
    this.#core = new SwitchCore(new LengthLimits(link), table, this.#taps, options.defer ?? nextTurn);
  }

  /**
   * A new port for a card on this thread. Ports come and go at any time.
   * @throws TypeError, RangeError for an impossible option
   */
  port(options: HubPortOptions = {}): HubPort {
    const bufferBytes = options.bufferBytes ?? BUFFER_BYTES;
    if (bufferBytes !== 0) checkPowerOf2("bufferBytes", bufferBytes, MIN_RING_BYTES, MAX_RING_BYTES);
    const batchFrames = checkInteger("batchFrames", options.batchFrames ?? 256, 1, 0x1_0000);
    const mac = this.#macs.take(options.mac);
    const port = new CardPort(this.#core, {
      batchFrames,
      bufferBytes,
      mac,
      onClose: () => this.#macs.release(mac),
      name: this.#nextName(options.name),
      mtu: this.#link.mtu,
      offloads: this.#link.txOffloads,
      linkUp: options.linkUp ?? true,
    });
    this.#core.add(port);
    return this.#cardBackend(port);
  }

  /**
   * A new port for a card on another thread, or for another hub.
   * @param end this thread's end of a channel; the hub takes it over and closes it
   * @throws Error where the end is in use
   */
  join(end: FrameChannel, options: HubJoinOptions = {}): HubChannelPort {
    const mac = this.#macs.take(undefined);
    const name = this.#nextName(options.name);
    const defer = this.#options.defer ?? nextTurn;
    const port = new ChannelPort(this.#core, name, mac, end, defer, () => this.#macs.release(mac));
    this.#core.add(port);
    return {
      name,
      mac: mac.slice(),
      stats: () => port.stats(),
      setLink: (up) => port.setLink(up),
      poll: () => port.look(),
      close: () => port.close(),
    };
  }

  /** Shows each frame to `listener` from now on. Answers the function that ends it. */
  tap(listener: TapListener): () => void {
    return this.#taps.add(listener);
  }

  /** Takes all ports out: cards get and send nothing any more, channels are closed. */
  close(): void {
    for (const side of this.#core.sides) side.close();
  }

  /** What was counted so far. */
  stats(): HubStats {
    return { ports: this.#core.sides.map((side) => side.stats()), failedTaps: this.#taps.failed };
  }

  /** Functions without `this`, so that the record may be spread. */
  #cardBackend(port: CardPort): HubPort {
    const core = this.#core;
    return {
      name: port.name,
      lowLevelInit: (driver) => port.attach(driver),
      rawTx: (_driver, frame) => core.receive(port, frame),
      rawTxFlush: () => core.flush(),
      rawPoll: () => port.look(),
      rawHandleIRQ: (driver, irq) => driver.raiseIrq(irq),
      getMac: () => port.mac,
      printState: () => port.describe(),
      stats: () => port.stats(),
      setLink: (up) => port.setLink(up),
      close: async () => port.close(),
    };
  }

  #nextName(wanted: string | undefined): string {
    this.#portsMade++;
    return wanted ?? `port${this.#portsMade}`;
  }
}
