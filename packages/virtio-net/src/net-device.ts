import type { EthDriver, RawIfaceCallbacks, RawIfaceFuncs } from "@vmmkit/ethif";
import {
  DeviceState,
  VIRTIO_ID_NET,
  VIRTIO_NET_F_CTRL_MAC_ADDR,
  VIRTIO_NET_F_CTRL_RX,
  VIRTIO_NET_F_CTRL_VLAN,
  VIRTIO_NET_F_CTRL_VQ,
  VIRTIO_NET_F_GUEST_ANNOUNCE,
  VIRTIO_NET_F_STATUS,
  type VirtioDevice,
  type Virtqueue,
} from "@vmmkit/virtio";
import { type Restoration, restore, type Saveable, type Vm } from "@vmmkit/vm";
import { Announcer } from "./announcer.ts";
import { checkSwap } from "./backend-check.ts";
import { BackendPort } from "./backend-port.ts";
import { applyNegotiated, type CardCore, makeCardCore, replacePort } from "./card-core.ts";
import { CardCounters } from "./card-counters.ts";
import { Coalescing } from "./coalescing.ts";
import { makeCardControl } from "./control/card-control.ts";
import type { ControlQueue } from "./control/control-queue.ts";
import type { VirtioNetCounters } from "./counters.ts";
import { hasBit, unmetDependency } from "./feature-dependencies.ts";
import { checkFeatureNames, offeredFeatures } from "./features.ts";
import { ReceiveFilter } from "./filter/receive-filter.ts";
import { Ingress } from "./ingress.ts";
import { Interrupter } from "./interrupter.ts";
import { Negotiated } from "./negotiated.ts";
import { NetConfig } from "./net-config.ts";
import { receiveOffloads } from "./offload/offload-features.ts";
import { checkQueuePairs, checkQueueSizes, checkSpeed, type NetDeviceOptions } from "./options.ts";
import { QueuePairs } from "./queue-pairs.ts";
import { type CardParts, restoreParts, saveParts } from "./state/card-parts.ts";
import { checkState } from "./state/check-state.ts";
import { NET_STATE_VERSION, type NetDeviceState } from "./state/net-state.ts";
import { Steering } from "./steering/steering.ts";

/** How a network device reaches its guest, whatever the transport. */
export interface NetDeviceHooks {
  /** The guest is to be interrupted: for queue `irq`, or with -1 for a change of configuration. */
  interrupt(irq: number): void;
  /** The interrupt status became 0: a level-triggered line goes down. */
  lowerIrq(): void;
}

/** The network device behind the transport: queues, configuration and the card's parts, joined to a backend. */
export class NetDevice implements VirtioDevice, Saveable {
  readonly deviceId: number = VIRTIO_ID_NET;
  readonly featuresLow: number;
  readonly featuresHigh: number;
  readonly queueSizes: readonly number[];
  /** Status, features and queues, for a transport to read and write. */
  readonly state: DeviceState;
  readonly counters: VirtioNetCounters;
  readonly #hooks: NetDeviceHooks;
  readonly #name: string;
  readonly #config: NetConfig;
  readonly #core: CardCore;
  readonly #filter: ReceiveFilter;
  readonly #steering: Steering;
  readonly #coalescing: Coalescing;
  readonly #control: ControlQueue;
  readonly #pairs: QueuePairs;
  readonly #unwatch: () => void;
  /** The VMM tells when a slice of the guest is over. */
  readonly #slices: boolean;
  readonly #unslice: () => void;
  readonly #announcer = new Announcer(() => this.announce());
  readonly #negotiated = new Negotiated();
  #port: BackendPort;

  /**
   * Asks the backend what it is, and tells it of its card.
   * @param hooks where interrupts go
   * @throws RangeError, TypeError that name the argument, or the answer of the backend that makes no sense
   */
  constructor(vm: Vm, funcs: RawIfaceFuncs, hooks: NetDeviceHooks, options: NetDeviceOptions = {}) {
    this.#hooks = hooks;
    this.#name = options.name ?? "virtio-net";
    const entries = checkQueueSizes(options);
    const speed = checkSpeed(options.speed);
    checkFeatureNames(options);
    // Last of what may fail, as it tells the backend of its card.
    this.#port = this.#plug(funcs);
    const { link } = this.#port;
    const pairs = checkQueuePairs(options.queuePairs, link.queuePairs ?? 1);
    const offered = offeredFeatures(link, options, pairs);
    this.featuresLow = offered.low;
    this.featuresHigh = offered.high;
    const sizes = Array.from({ length: pairs }, () => [entries.receive, entries.transmit]).flat();
    this.queueSizes = hasBit(offered, VIRTIO_NET_F_CTRL_VQ) ? [...sizes, entries.control] : sizes;
    this.#config = new NetConfig({ mac: link.mac, mtu: link.mtu, linkUp: link.linkUp ?? true, pairs, speed });
    this.state = new DeviceState(vm.memory, this, {
      lowerIrq: () => hooks.lowerIrq(),
      raiseIrq: (irq) => this.#core.funcs.rawHandleIRQ(this.#core.driver, irq),
      log: (line) => options.log?.(`${this.#name}: ${line}`),
    });
    const counters = new CardCounters(pairs, this.state.counters);
    this.counters = counters;
    this.#filter = new ReceiveFilter(this.#config.macBytes, counters.filtered);
    this.#steering = new Steering();
    this.#steering.backendChooses = (link.queuePairs ?? 1) > 1;
    const now = (queue: number): void => this.#interruptNow(queue);
    this.#coalescing = new Coalescing(2 * pairs, (queue) => this.#pairs.framesOf(queue), now);
    const defer = options.gatherInterrupts === false ? undefined : vm.defer;
    const interrupter = new Interrupter(2 * pairs, now, this.#coalescing, defer);
    this.#core = makeCardCore(vm, this.#port, {
      ingress: new Ingress(this.#filter, this.#steering, pairs > 1),
      softwareOffloads: options.softwareOffloads ?? true,
      interrupt: (queue) => interrupter.interrupt(queue),
    });
    this.#pairs = new QueuePairs(this.#core, this.#steering, this.#negotiated, counters.pairs, this.state.queues);
    this.#control = this.#makeControl(counters);
    this.#slices = options.poll !== false && vm.onSlice !== undefined;
    this.#unslice = (this.#slices ? vm.onSlice?.(() => this.#afterSlice()) : undefined) ?? (() => {});
    this.#unwatch = vm.memory.onChange(() => {
      for (const pair of this.#pairs.all) pair.rebind();
    });
  }

  get config(): Uint8Array {
    return this.#config.bytes;
  }

  /** The card as its backend knows it. */
  get driver(): EthDriver {
    return this.#core.driver;
  }

  /** What carries its frames now. */
  get funcs(): RawIfaceFuncs {
    return this.#core.funcs;
  }

  /** The address that the card has now. */
  get mac(): Uint8Array {
    return this.#config.mac;
  }

  get linkUp(): boolean {
    return this.#core.linkUp;
  }

  /** Queue pairs that the guest uses: 1 until it asks for more. */
  get queuePairs(): number {
    return this.#pairs.used;
  }

  acceptsFeatures(low: number, high: number): boolean {
    return unmetDependency({ low, high }) === null;
  }

  configWrite(offset: number, value: number, legacy: boolean): void {
    // Only a legacy driver may set the address here; others have the control queue for it (5.1.4.1, 5.1.6.5.2).
    if (legacy && !this.state.hasFeature(VIRTIO_NET_F_CTRL_MAC_ADDR)) this.#config.write(offset, value);
  }

  queueReady(index: number, queue: Virtqueue): void {
    this.#settleFeatures();
    if (index === this.#controlIndex()) this.#control.attach(queue);
    else this.#pairs.directionOf(index)?.attach(queue);
  }

  driverOk(): void {
    this.#goLive();
    // Notifications that came too early count now.
    this.#control.run();
    this.#pairs.run();
  }

  /** The card works as was negotiated, and has done nothing yet. */
  #goLive(): void {
    this.#settleFeatures();
    applyNegotiated(this.#core, this.#negotiated);
    this.setGuestOffloads(receiveOffloads(this.#negotiated.bits));
    this.#filter.start(this.#has(VIRTIO_NET_F_CTRL_RX), this.#has(VIRTIO_NET_F_CTRL_VLAN));
    this.#core.running = true;
    this.#pairs.tell();
  }

  notify(index: number): void {
    if (index === this.#controlIndex()) {
      this.#control.run();
      return;
    }
    const pair = this.#pairs.of(index);
    if (pair === undefined) return;
    if ((index & 1) === 0) pair.receive.notify();
    else pair.transmitNotified(this.#slices);
  }

  reset(): void {
    if (this.#core.running) this.setGuestOffloads(0);
    this.#core.running = false;
    this.#announcer.stop();
    this.#config.reset();
    this.#filter.reset();
    this.#steering.reset();
    this.#coalescing.reset();
    this.#control.reset();
    for (const pair of this.#pairs.all) pair.reset();
    this.#negotiated.reset();
  }

  queueStopping(index: number): void {
    if (index !== this.#controlIndex()) this.#pairs.directionOf(index)?.giveUp();
  }

  queueReset(index: number): void {
    if (index === this.#controlIndex()) {
      this.#control.reset();
      return;
    }
    this.#coalescing.queueReset(index);
    this.#pairs.directionOf(index)?.reset();
  }

  /** From now on received frames may leave this to the guest: bits of `Offload`. The backend is told. */
  setGuestOffloads(offloads: number): void {
    const { funcs, backendLeaves } = this.#core;
    this.#core.guestOffloads = offloads;
    if (funcs.setRxOffloads !== undefined) funcs.setRxOffloads(this.driver, offloads & backendLeaves);
  }

  /**
   * The driver uses the queues 0 to `count` - 1: for who has its control queue elsewhere, as a vhost-user front-end has.
   * Without effect where the card has the control queue itself. A reset takes it back.
   */
  queuesInUse(count: number): void {
    if (this.#has(VIRTIO_NET_F_CTRL_VQ)) return;
    const pairs = Math.min(Math.max(1, count >> 1), this.#pairs.all.length);
    this.#negotiated.toldOfPairs = pairs > 1;
    this.#steering.setPairs(pairs);
    if (!this.#core.running) return;
    this.#pairs.tell();
    this.#pairs.run();
  }

  /** Whether frames that the driver sends on a queue which it may not use for now are thrown away: those of a vhost-user front-end. */
  discardsWhileDisabled(index: number): boolean {
    return (index & 1) === 1 && index !== this.#controlIndex();
  }

  /** The carrier came or went: the guest is told if it wants to know. */
  setLink(up: boolean): void {
    if (this.#core.linkUp === up) return;
    this.#core.linkUp = up;
    // Frames that are on their way in a loop have asked whether it is up; the others ask again.
    for (const pair of this.#pairs.all) pair.transmit.catchUp();
    this.#config.setLink(up);
    this.#tellConfig(this.#has(VIRTIO_NET_F_STATUS));
    // A backend that waits for room may go on: frames are taken, and dropped, while the link is down.
    for (const pair of this.#pairs.known) pair.receive.notify();
  }

  /** Asks the guest to announce itself. False where it cannot be asked. See `VirtioNet.announce`. */
  announce(): boolean {
    if (!this.#core.running || !this.#has(VIRTIO_NET_F_GUEST_ANNOUNCE) || !this.#has(VIRTIO_NET_F_STATUS)) return false;
    this.#config.setAnnounce(true);
    this.#tellConfig(true);
    return true;
  }

  /** Another backend carries the frames from now on. See `VirtioNet.setBackend`. */
  setBackend(funcs: RawIfaceFuncs): void {
    const next = this.#plug(funcs);
    try {
      checkSwap(next.link, this.#core, this.#pairs.all.length);
    } catch (error) {
      next.unplug();
      throw error;
    }
    this.setLink(false);
    this.#port.unplug();
    for (const pair of this.#pairs.known) pair.abandon();
    this.#port = next;
    replacePort(this.#core, next);
    this.#steering.backendChooses = this.#core.backendPairs > 1;
    this.#pairs.tell();
    this.setGuestOffloads(this.#core.guestOffloads);
    this.setLink(next.link.linkUp ?? true);
    this.#announcer.start();
    this.#pairs.run();
  }

  /** The device without what is around it: see `VirtioNet.save` for that. */
  save(): NetDeviceState {
    for (const pair of this.#pairs.all) pair.catchUp();
    return {
      version: NET_STATE_VERSION,
      ...this.state.save(),
      guestOffloads: this.#core.guestOffloads,
      ...saveParts(this.#parts()),
    };
  }

  /** See `Saveable.prepare`, and `VirtioNet.restore`. */
  prepare(state: unknown): Restoration {
    const saved = checkState(state, { pairs: this.#pairs.all.length, mtu: this.#config.mtu });
    const queues = this.state.prepare(state);
    return {
      apply: () => {
        queues.apply();
        restoreParts(this.#parts(), saved);
      },
      resume: () => {
        if (this.state.running) this.#takeOver(saved);
      },
    };
  }

  /** See `VirtioNet.restore`. */
  restore(state: unknown): void {
    restore(this, state);
  }

  /** The VMM has a moment: sends what is waiting, and lets the backend look for work. */
  poll(): void {
    for (const pair of this.#pairs.known) pair.transmit.run();
    this.#core.funcs.rawPoll(this.driver);
  }

  /** The card is taken out of its machine. */
  close(): void {
    this.state.reset();
    this.#unwatch();
    this.#unslice();
  }

  /** A slice of the guest is over: see `AdaptivePoll`. */
  #afterSlice(): void {
    for (const pair of this.#pairs.all) pair.poll.afterSlice();
  }

  #controlIndex(): number {
    return this.#negotiated.controlIndex(this.#pairs.all.length);
  }

  #parts(): CardParts {
    return {
      config: this.#config,
      filter: this.#filter,
      steering: this.#steering,
      coalescing: this.#coalescing,
      pairs: this.#pairs.all.length,
    };
  }

  /** Goes on with a guest that another device had. */
  #takeOver(saved: NetDeviceState): void {
    const { queues } = this.state;
    for (const [index, queue] of queues.entries()) if (queue.ready) this.queueReady(index, queue);
    this.#goLive();
    this.setGuestOffloads(saved.guestOffloads);
    for (const { index, transmit } of this.#pairs.known) {
      // Whether they left is the other device's backend's to know. They are not sent a second time.
      const taken = saved.queues[2 * index + 1]?.chains.filter(({ doneBytes }) => doneBytes < 0) ?? [];
      transmit.giveBackTaken(taken.length);
    }
    // What the guest was not told of it is told, and what waits is done.
    for (const [index, queue] of queues.entries()) if (queue.ready) this.state.interruptQueue(index);
    this.#control.run();
    this.#pairs.run();
    // Link, speed and more are this card's, and may be others.
    if (!this.#announcer.start()) this.#tellConfig(this.#has(VIRTIO_NET_F_STATUS));
  }

  #has(feature: number): boolean {
    return this.#negotiated.has(feature);
  }

  #settleFeatures(): void {
    this.#negotiated.settle(this.state.driverFeaturesLow, this.state.driverFeaturesHigh);
  }

  #tellConfig(interrupts: boolean): void {
    if (interrupts) this.state.interruptConfig();
    else this.state.noteConfigChange();
  }

  #interruptNow(queue: number): void {
    if (this.state.queues[queue]?.needsInterrupt()) this.state.interruptQueue(queue);
  }

  #plug(funcs: RawIfaceFuncs): BackendPort {
    const raiseIrq = (irq: number): void => this.#hooks.interrupt(irq);
    return new BackendPort(funcs, { name: this.#name, raiseIrq, callbacks: this.#callbacks() });
  }

  #callbacks(): RawIfaceCallbacks {
    return {
      txComplete: (cookie) => this.#pairs.transmitted(cookie),
      allocateRxBuf: (sizeBytes, queue) => this.#pairs.allocate(sizeBytes, queue),
      allocateRxBufs: (count, frames, lengths, queue) => this.#pairs.allocateSeveral(count, frames, lengths, queue),
      rxComplete: (count, frames, lengths) => this.#pairs.received(count, frames, lengths),
      linkChange: (up) => this.setLink(up),
    };
  }

  #makeControl(counters: CardCounters): ControlQueue {
    const card = {
      state: this.state,
      config: this.#config,
      filter: this.#filter,
      steering: this.#steering,
      coalescing: this.#coalescing,
      announcer: this.#announcer,
      pairs: this.#pairs,
      negotiated: this.#negotiated,
      setGuestOffloads: (offloads: number) => this.setGuestOffloads(offloads),
    };
    return makeCardControl(this.#core, card, counters.control, () => this.#interruptNow(this.#controlIndex()));
  }
}
