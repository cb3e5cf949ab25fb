import type { EthDriver, LinkInfo, RawIfaceCallbacks, RawIfaceFuncs } from "@vmmkit/ethif";
import {
  DeviceState,
  VIRTIO_F_VERSION_1,
  VIRTIO_ID_NET,
  VIRTIO_NET_F_MRG_RXBUF,
  VIRTIO_NET_F_MTU,
  VIRTIO_NET_F_STATUS,
  VIRTIO_NET_HDR_BYTES,
  VIRTIO_NET_HDR_MRG_BYTES,
  VIRTIO_NET_RX_QUEUE,
  VIRTIO_NET_TX_QUEUE,
  type VirtioDevice,
  type Virtqueue,
} from "@vmmkit/virtio";
import type { Vm } from "@vmmkit/vm";
import { AdaptivePoll } from "./adaptive-poll.ts";
import { type CardCore, ETHERNET_OVERHEAD_BYTES, NO_FRAME_LIMIT } from "./card-core.ts";
import { ReceiveCounters, TransmitCounters, type VirtioNetCounters } from "./counters.ts";
import { checkFeatureNames, negotiatedFeatures, offeredFeatures } from "./features.ts";
import { laterTurn } from "./later.ts";
import { NetConfig } from "./net-config.ts";
import { receiveOffloads, transmitOffloads } from "./offload/offload-features.ts";
import { WordViews } from "./offload/word-views.ts";
import { checkQueueSize, type NetDeviceOptions } from "./options.ts";
import { Receive } from "./receive.ts";
import { Transmit } from "./transmit.ts";

/** How a network device reaches its guest, whatever the transport. */
export interface NetDeviceHooks {
  /** The guest is to be interrupted: for queue `irq`, or with -1 for a change of configuration. */
  interrupt(irq: number): void;
  /** The interrupt status became 0: a level-triggered line goes down. */
  lowerIrq(): void;
}

/** The network device behind the transport: queues, configuration and the two directions, joined to a backend. */
export class NetDevice implements VirtioDevice {
  readonly deviceId: number = VIRTIO_ID_NET;
  readonly featuresLow: number;
  readonly featuresHigh: number;
  readonly queueSizes: readonly number[];
  /** Status, features and queues, for a transport to read and write. */
  readonly state: DeviceState;
  /** The card as its backend knows it. */
  readonly driver: EthDriver;
  readonly counters: VirtioNetCounters;
  readonly #config: NetConfig;
  readonly #core: CardCore;
  readonly #receive: Receive;
  readonly #transmit: Transmit;
  readonly #unwatch: () => void;
  readonly #poll: AdaptivePoll | null;
  readonly #unpoll: () => void;

  /**
   * Asks the backend what it is, and tells it of its card.
   * @param hooks where interrupts go
   * @throws RangeError, TypeError that name the argument, or the answer of the backend that makes no sense
   */
  constructor(vm: Vm, funcs: RawIfaceFuncs, hooks: NetDeviceHooks, options: NetDeviceOptions = {}) {
    checkBackend(funcs);
    const name = options.name ?? "virtio-net";
    checkFeatureNames(options);
    this.queueSizes = [
      checkQueueSize("rxQueueSize", options.rxQueueSize),
      checkQueueSize("txQueueSize", options.txQueueSize),
    ];
    this.driver = { name, callbacks: this.#callbacks(), funcs, ethData: null, raiseIrq: (irq) => hooks.interrupt(irq) };
    const link = checkLink(funcs.lowLevelInit(this.driver));
    const offered = offeredFeatures(link, options);
    this.featuresLow = offered.low;
    this.featuresHigh = offered.high;
    this.#config = new NetConfig(link.mac, link.mtu, link.linkUp ?? true);
    this.state = new DeviceState(vm.memory, this, {
      lowerIrq: () => hooks.lowerIrq(),
      raiseIrq: (irq) => funcs.rawHandleIRQ(this.driver, irq),
      log: (line) => options.log?.(`${name}: ${line}`),
    });
    this.#core = this.#makeCore(vm, funcs, link, options);
    const [receiveQueue, transmitQueue] = this.state.queues;
    const [receiveCounters, transmitCounters] = this.state.counters;
    if (receiveQueue === undefined || transmitQueue === undefined) throw new RangeError("a card has two queues");
    if (receiveCounters === undefined || transmitCounters === undefined) throw new RangeError("a card has two queues");
    this.counters = {
      receive: new ReceiveCounters(),
      transmit: new TransmitCounters(),
      receiveQueue: receiveCounters,
      transmitQueue: transmitCounters,
    };
    this.#receive = new Receive(this.#core, receiveQueue, this.counters.receive);
    this.#transmit = new Transmit(this.#core, transmitQueue, this.counters.transmit);
    const polls = options.poll !== false && vm.onSlice !== undefined;
    this.#poll = polls ? new AdaptivePoll(this.#transmit, () => this.#framesMoved()) : null;
    this.#unpoll = (polls ? vm.onSlice?.(() => this.#poll?.afterSlice()) : undefined) ?? (() => {});
    this.#unwatch = vm.memory.onChange(() => {
      this.#receive.rebind();
      this.#transmit.rebind();
    });
  }

  get config(): Uint8Array {
    return this.#config.bytes;
  }

  /** The address that the card has now. */
  get mac(): Uint8Array {
    return this.#config.mac;
  }

  get linkUp(): boolean {
    return this.#core.linkUp;
  }

  configWrite(offset: number, value: number, legacy: boolean): void {
    // Only a legacy driver may set the address here; others have the control queue for it (5.1.4.1, 5.1.6.5.2).
    if (legacy) this.#config.write(offset, value);
  }

  queueReady(index: number, queue: Virtqueue): void {
    if (index === VIRTIO_NET_TX_QUEUE) this.#transmit.attach(queue);
    else if (index === VIRTIO_NET_RX_QUEUE) this.#receive.attach(queue);
  }

  driverOk(): void {
    const { state } = this;
    this.#core.mergeable = state.hasFeature(VIRTIO_NET_F_MRG_RXBUF);
    const longHeader = this.#core.mergeable || state.hasFeature(VIRTIO_F_VERSION_1);
    this.#core.headerBytes = longHeader ? VIRTIO_NET_HDR_MRG_BYTES : VIRTIO_NET_HDR_BYTES;
    this.#negotiateOffloads();
    this.#core.maxReceiveBytes = state.hasFeature(VIRTIO_NET_F_MTU) ? this.#core.maxFrameBytes : NO_FRAME_LIMIT;
    this.#core.running = true;
    // Notifications that came too early count now.
    this.#receive.notify();
    this.#transmit.run();
  }

  notify(queue: number): void {
    if (queue === VIRTIO_NET_TX_QUEUE) {
      this.#poll?.notified();
      this.#transmit.run();
    } else if (queue === VIRTIO_NET_RX_QUEUE) this.#receive.notify();
  }

  reset(): void {
    if (this.#core.running) this.setGuestOffloads(0);
    this.#core.running = false;
    this.#config.reset();
    this.#receive.reset();
    this.#transmit.reset();
  }

  queueStopping(queue: number): void {
    if (queue === VIRTIO_NET_TX_QUEUE) this.#transmit.giveUp();
    else if (queue === VIRTIO_NET_RX_QUEUE) this.#receive.giveUp();
  }

  queueReset(queue: number): void {
    if (queue === VIRTIO_NET_TX_QUEUE) this.#transmit.reset();
    else if (queue === VIRTIO_NET_RX_QUEUE) this.#receive.reset();
  }

  /** From now on received frames may leave this to the guest: bits of `Offload`. The backend is told. */
  setGuestOffloads(offloads: number): void {
    const { funcs, backendLeaves } = this.#core;
    this.#core.guestOffloads = offloads;
    if (funcs.setRxOffloads !== undefined) funcs.setRxOffloads(this.driver, offloads & backendLeaves);
  }

  /** The carrier came or went: the guest is told if it wants to know. */
  setLink(up: boolean): void {
    if (this.#core.linkUp === up) return;
    this.#core.linkUp = up;
    this.#config.setLink(up);
    if (this.state.hasFeature(VIRTIO_NET_F_STATUS)) this.state.interruptConfig();
    else this.state.noteConfigChange();
    // A backend that waits for room may go on: frames are taken, and dropped, while the link is down.
    this.#receive.notify();
  }

  /** The VMM has a moment: sends what is waiting, and lets the backend look for work. */
  poll(): void {
    this.#transmit.run();
    this.#core.funcs.rawPoll(this.driver);
  }

  /** The card is taken out of its machine. */
  close(): void {
    this.state.reset();
    this.#unwatch();
    this.#unpoll();
  }

  #framesMoved(): number {
    return this.counters.transmit.frames + this.counters.receive.frames;
  }

  #negotiateOffloads(): void {
    const features = negotiatedFeatures((bit) => this.state.hasFeature(bit));
    this.#core.hostOffloads = transmitOffloads(features);
    this.setGuestOffloads(receiveOffloads(features));
  }

  #callbacks(): RawIfaceCallbacks {
    return {
      txComplete: (cookie) => this.#transmit.complete(cookie),
      allocateRxBuf: (sizeBytes) => this.#receive.allocate(sizeBytes),
      rxComplete: (count, frames, lengths) => this.#receive.complete(count, frames, lengths),
      linkChange: (up) => this.setLink(up),
    };
  }

  #makeCore(vm: Vm, funcs: RawIfaceFuncs, link: LinkInfo, options: NetDeviceOptions): CardCore {
    const defer = vm.defer;
    return {
      memory: vm.memory,
      driver: this.driver,
      funcs,
      headerBytes: VIRTIO_NET_HDR_BYTES,
      mergeable: false,
      running: false,
      linkUp: link.linkUp ?? true,
      maxFrameBytes: link.mtu + ETHERNET_OVERHEAD_BYTES,
      maxReceiveBytes: NO_FRAME_LIMIT,
      hostOffloads: 0,
      guestOffloads: 0,
      backendOffloads: link.txOffloads ?? 0,
      backendLeaves: link.rxOffloads ?? 0,
      softwareOffloads: options.softwareOffloads ?? true,
      views: new WordViews(),
      interrupt: this.#interrupter(defer),
      later: defer ?? laterTurn,
    };
  }

  /**
   * How queues interrupt. Received frames do so at once. For frames that left, the guest is in no hurry: where the
   * VMM can say when the guest's present access is over, they wait for that, and one interrupt stands for all.
   */
  #interrupter(defer: Vm["defer"]): (queue: number) => void {
    const { state } = this;
    const now = (index: number): void => {
      if (state.queues[index]?.needsInterrupt()) state.interruptQueue(index);
    };
    if (defer === undefined) return now;
    let waiting = false;
    const transmitted = (): void => {
      waiting = false;
      now(VIRTIO_NET_TX_QUEUE);
    };
    return (index) => {
      if (index !== VIRTIO_NET_TX_QUEUE) now(index);
      else if (!waiting) {
        waiting = true;
        defer(transmitted);
      }
    };
  }
}

/** The functions that a backend has to have. */
const REQUIRED: readonly (keyof RawIfaceFuncs)[] = [
  "lowLevelInit",
  "rawTx",
  "rawPoll",
  "rawHandleIRQ",
  "getMac",
  "printState",
];

/** @throws TypeError naming the first function that is missing */
export function checkBackend(backend: RawIfaceFuncs): void {
  for (const name of REQUIRED) {
    const value: unknown = backend?.[name];
    if (typeof value !== "function") throw new TypeError(`"backend.${name}" expected a function, got ${String(value)}`);
  }
}

/** Smallest and largest MTU that VIRTIO knows (5.1.4.2). */
const MIN_MTU = 68;
const MAX_MTU = 65535;

function checkLink(link: LinkInfo): LinkInfo {
  if (link.mac.length !== 6) throw new RangeError(`"mac" of the backend expected 6 bytes, got ${link.mac.length}`);
  if (!Number.isInteger(link.mtu) || link.mtu < MIN_MTU || link.mtu > MAX_MTU) {
    throw new RangeError(`"mtu" of the backend expected ${MIN_MTU} to ${MAX_MTU}, got ${link.mtu}`);
  }
  return link;
}
