import {
  VIRTIO_CONFIG_S_ACKNOWLEDGE,
  VIRTIO_CONFIG_S_DRIVER,
  VIRTIO_CONFIG_S_DRIVER_OK,
  VIRTIO_CONFIG_S_FEATURES_OK,
  VIRTIO_F_EVENT_IDX,
  VIRTIO_F_RING_PACKED,
  VIRTIO_F_VERSION_1,
  VIRTIO_NET_CONFIG_MAC,
  VIRTIO_NET_CONFIG_MAX_VIRTQUEUE_PAIRS,
  VIRTIO_NET_CONFIG_MTU,
  VIRTIO_NET_CONFIG_STATUS,
  VIRTIO_NET_F_CTRL_VQ,
  VIRTIO_NET_F_MQ,
  VIRTIO_NET_F_MTU,
  VIRTIO_NET_F_RSS,
  VIRTIO_NET_F_STATUS,
  VIRTIO_NET_S_ANNOUNCE,
  VIRTIO_NET_S_LINK_UP,
  VIRTIO_PCI_ISR_CONFIG,
  VIRTIO_PCI_ISR_QUEUE,
} from "@vmmkit/virtio";
import { DriverError } from "./errors.ts";
import { FeatureSet } from "./features.ts";
import type { GuestBus, GuestPorts } from "./guest-ports.ts";
import type { GuestRam } from "./guest-ram.ts";
import type { GuestRing } from "./guest-ring.ts";
import { LegacyTransport } from "./legacy-transport.ts";
import { ModernTransport } from "./modern-transport.ts";
import { NetControl } from "./net-control.ts";
import type { NetHeader } from "./net-header.ts";
import { emptyNetCounters, type GuestNetCounters, type GuestNetOptions, wantedFeatures } from "./net-options.ts";
import { NetSession } from "./net-session.ts";
import type { SendOptions } from "./net-transmit.ts";
import { SplitRing } from "./split-ring.ts";
import type { GuestTransport } from "./transport.ts";

const DEFAULT_MTU = 1500;

/**
 * A guest's driver of a virtio network card (VIRTIO 1.2, 3.1.1, 5.1).
 *
 * ```ts
 * import { GuestMachine, GuestNetDriver } from "@vmmkit/guest-driver";
 *
 * const machine = new GuestMachine(); // and a card in it
 * const driver = GuestNetDriver.probe(machine.ports, machine.ram);
 * machine.onLine(11, () => driver.onInterrupt());
 * driver.start();
 * driver.send(new Uint8Array(60));
 * machine.settle(); // interrupts are delivered
 * const received = driver.receive();
 * ```
 */
export class GuestNetDriver<Transport extends GuestTransport = GuestTransport> {
  /** The device's registers. */
  readonly transport: Transport;
  /** The memory that rings and buffers come from. */
  readonly ram: GuestRam;
  /** What happened so far; a reset does not clear it. */
  readonly counters: GuestNetCounters = emptyNetCounters();
  readonly #options: GuestNetOptions;
  readonly #features: FeatureSet;
  #session: NetSession | null = null;
  /** Queue pairs behind the first. */
  #more: NetSession[] = [];
  #control: NetControl | null = null;

  /** Nothing happens before `start`. */
  constructor(transport: Transport, ram: GuestRam, options: GuestNetOptions = {}) {
    this.transport = transport;
    this.ram = ram;
    this.#options = options;
    this.#features = new FeatureSet(transport);
  }

  /**
   * A driver for a card of the legacy or transitional kind, found by its PCI ids and turned on.
   * @param nth which card, where there are several: 0 is the first
   * @throws DriverError where there is none, or its BAR 0 is not I/O ports
   */
  static probe(
    ports: GuestPorts,
    ram: GuestRam,
    options: GuestNetOptions = {},
    nth = 0,
  ): GuestNetDriver<LegacyTransport> {
    return new GuestNetDriver(LegacyTransport.probe(ports, nth), ram, options);
  }

  /**
   * A driver for a card with the modern interface, found by its capabilities, placed and turned on.
   * @param nth which card, where there are several: 0 is the first
   * @throws DriverError where there is none
   */
  static probeModern(
    bus: GuestBus,
    ram: GuestRam,
    options: GuestNetOptions = {},
    nth = 0,
  ): GuestNetDriver<ModernTransport> {
    return new GuestNetDriver(ModernTransport.probe(bus, nth), ram, options);
  }

  /** Brings the device up: reset, features, queues, receive buffers, DRIVER_OK. Again after `reset`, as often as wanted. */
  start(): void {
    this.reset();
    this.negotiate();
    this.setUpQueues();
    this.goLive();
  }

  /**
   * Resets the device and takes its memory back. Frames received but not yet asked for are forgotten.
   * @throws DriverError where the status does not read 0 afterwards
   */
  reset(): void {
    this.transport.writeStatus(0);
    const status = this.transport.readStatus();
    if (status !== 0) throw new DriverError(`device status is ${status} after a reset`);
    for (const session of this.#more) session.dispose();
    this.#session?.dispose();
    this.#control?.dispose();
    this.#session = null;
    this.#more = [];
    this.#control = null;
  }

  /** ACKNOWLEDGE, DRIVER, features; FEATURES_OK where VERSION_1 is among them. @throws DriverError where it is refused */
  negotiate(): void {
    this.#setStatus(VIRTIO_CONFIG_S_ACKNOWLEDGE);
    this.#setStatus(VIRTIO_CONFIG_S_DRIVER);
    const wanted = wantedFeatures(this.#options);
    // Without it a modern device does not work (6.1).
    this.#features.accept(this.transport.legacyLayout ? wanted : [...wanted, VIRTIO_F_VERSION_1]);
    if (!this.has(VIRTIO_F_VERSION_1)) return;
    this.#setStatus(VIRTIO_CONFIG_S_FEATURES_OK);
    if ((this.transport.readStatus() & VIRTIO_CONFIG_S_FEATURES_OK) === 0) {
      throw new DriverError("the device refused the features");
    }
  }

  /** Makes both rings and their buffers, and tells the device where they are. No buffer is posted yet. */
  setUpQueues(): void {
    const { transport, ram, counters } = this;
    const mtu = Math.max(this.mtu, DEFAULT_MTU);
    const setup = { transport, ram, counters, features: this.#features, options: this.#options, mtu };
    this.#session = new NetSession(setup);
    const several = this.has(VIRTIO_NET_F_MQ) || this.has(VIRTIO_NET_F_RSS);
    const pairs = several ? (this.#options.queuePairs ?? 1) : 1;
    for (let pair = 1; pair < pairs; pair++) this.#more.push(new NetSession(setup, pair));
    if (!this.has(VIRTIO_NET_F_CTRL_VQ)) return;
    const index = several ? 2 * transport.readConfig(VIRTIO_NET_CONFIG_MAX_VIRTQUEUE_PAIRS, 2) : 2;
    const rings = { packed: this.has(VIRTIO_F_RING_PACKED), eventIdx: this.has(VIRTIO_F_EVENT_IDX) };
    this.#control = new NetControl(transport, ram, index, rings);
  }

  /** Posts the receive buffers (unless `autoRefill` is off), sets DRIVER_OK, and notifies the receive queue. */
  goLive(): void {
    const session = this.#live();
    session.fillReceive();
    for (const other of this.#more) other.fillReceive();
    this.#setStatus(VIRTIO_CONFIG_S_DRIVER_OK);
    session.kick(session.rxQueue);
    for (const other of this.#more) other.kick(other.rxQueue);
  }

  /** The control queue. @throws DriverError without CTRL_VQ, or before `setUpQueues` */
  get control(): NetControl {
    if (this.#control === null) throw new DriverError("there is no control queue");
    return this.#control;
  }

  /** Sends a frame on queue pair `pair`. @returns false where its ring or buffers are full */
  sendOn(pair: number, frame: Uint8Array, options: SendOptions = {}): boolean {
    return this.#pair(pair).tx.send(frame, options);
  }

  /** All frames that wait in the receive queue of pair `pair`, whatever the interrupt mode. */
  receiveFrom(pair: number): Uint8Array[] {
    return this.#pair(pair).takeAll();
  }

  /** Header of the frame that was taken last from pair `pair`. */
  headerFrom(pair: number): Readonly<NetHeader> {
    return this.#pair(pair).rx.header;
  }

  /** Whether the device asks the driver to announce itself. */
  get announceWanted(): boolean {
    const status = this.transport.readConfig(VIRTIO_NET_CONFIG_STATUS, 2);
    return this.has(VIRTIO_NET_F_STATUS) && (status & VIRTIO_NET_S_ANNOUNCE) !== 0;
  }

  /** Whether the device offers a feature. */
  offers(bit: number): boolean {
    return this.#features.offers(bit);
  }

  /** Whether a feature has been negotiated. */
  has(bit: number): boolean {
    return this.#features.has(bit);
  }

  /** The receive ring, a split one. @throws DriverError before `setUpQueues`, or where it is packed */
  get rxRing(): SplitRing {
    return splitRing(this.#live().rxQueue.ring);
  }

  /** The transmit ring, a split one. @throws DriverError before `setUpQueues`, or where it is packed */
  get txRing(): SplitRing {
    return splitRing(this.#live().txQueue.ring);
  }

  /** Both rings, whatever their format: receive and transmit. @throws DriverError before `setUpQueues` */
  get rings(): readonly [rx: GuestRing, tx: GuestRing] {
    const { rxQueue, txQueue } = this.#live();
    return [rxQueue.ring, txQueue.ring];
  }

  /** Header of the frame that was taken last. */
  get rxHeader(): Readonly<NetHeader> {
    return this.#live().rx.header;
  }

  /** The card's address, read byte by byte as drivers do. */
  readMac(): Uint8Array {
    return Uint8Array.from({ length: 6 }, (_, i) => this.transport.readConfig(VIRTIO_NET_CONFIG_MAC + i, 1));
  }

  /** Writes the card's address, as legacy drivers may (5.1.4.1). */
  writeMac(mac: Uint8Array): void {
    for (let i = 0; i < 6; i++) this.transport.writeConfig(VIRTIO_NET_CONFIG_MAC + i, 1, mac[i] ?? 0);
  }

  /** Whether the link is up; without STATUS it always is. */
  get linkUp(): boolean {
    if (!this.has(VIRTIO_NET_F_STATUS)) return true;
    return (this.transport.readConfig(VIRTIO_NET_CONFIG_STATUS, 2) & VIRTIO_NET_S_LINK_UP) !== 0;
  }

  /** The device's MTU; without that feature 1500. */
  get mtu(): number {
    return this.has(VIRTIO_NET_F_MTU) ? this.transport.readConfig(VIRTIO_NET_CONFIG_MTU, 2) : DEFAULT_MTU;
  }

  /**
   * Sends a frame.
   * @param frame one range, or several that become descriptors of their own
   * @returns false where the ring or the buffers are full
   * @throws RangeError for a frame longer than a transmit buffer
   */
  send(frame: Uint8Array | readonly Uint8Array[], options: SendOptions = {}): boolean {
    return this.#live().tx.send(frame, options);
  }

  /** Sends frames with one notification at the end. @returns how many there was room for */
  sendBatch(frames: readonly Uint8Array[]): number {
    const { tx } = this.#live();
    let sent = 0;
    while (sent < frames.length && tx.send(frames[sent] as Uint8Array, { kick: "never" })) sent++;
    this.kick();
    return sent;
  }

  /** Notifies the device of what was sent with `kick: "never"`, if it wants that. */
  kick(): void {
    const session = this.#live();
    session.kick(session.txQueue);
  }

  /** Puts a frame into all free transmit buffers, for `burst`. */
  fill(frame: Uint8Array): void {
    this.#live().tx.fill(frame);
  }

  /**
   * Sends up to `count` frames of `lengthBytes` bytes, whatever the buffers hold, with one notification at most.
   * Nothing is allocated.
   * @returns how many there was room for
   */
  burst(count: number, lengthBytes: number): number {
    return this.#live().tx.burst(count, lengthBytes);
  }

  /** Takes back transmit buffers that the device has used. @returns how many frames */
  reapTransmit(): number {
    return this.#live().tx.reap();
  }

  /** The next received frame, a copy of the caller's own, or null. */
  receive(): Uint8Array | null {
    const session = this.#live();
    const mode = this.#options.interrupts ?? "drain";
    return mode === "drain" ? session.fromInbox() : session.fromRing(mode === "acknowledge");
  }

  /** All frames that `receive` would answer one by one. */
  receiveAll(): Uint8Array[] {
    const frames: Uint8Array[] = [];
    for (let frame = this.receive(); frame !== null; frame = this.receive()) frames.push(frame);
    return frames;
  }

  /**
   * Takes up to `limit` frames out of the ring, whatever the interrupt mode, counts them, and posts their buffers
   * again with one notification at most. Nothing is copied and nothing is allocated.
   * @returns how many
   */
  reapReceive(limit: number): number {
    return this.#live().discard(limit);
  }

  /** Posts up to `count` free receive buffers. For `autoRefill: false`. @returns how many */
  postReceive(count: number): number {
    return this.#live().rx.post(count);
  }

  /** Looks whether the device wrote outside of the receive buffers. @throws RingError naming the first such byte */
  verifyGuards(): void {
    this.#live().rx.verifyGuards();
  }

  /**
   * The handler of the card's interrupt line: reads the interrupt status, which lowers the line, and does what the
   * option `interrupts` says.
   * @returns whether the interrupt was this card's
   */
  onInterrupt(): boolean {
    this.counters.isrReads++;
    const isr = this.transport.readIsr();
    if (isr === 0) {
      this.counters.foreignInterrupts++;
      return false;
    }
    this.counters.interrupts++;
    if ((isr & VIRTIO_PCI_ISR_CONFIG) !== 0) this.counters.configInterrupts++;
    if ((isr & VIRTIO_PCI_ISR_QUEUE) !== 0) this.#queueInterrupt();
    return true;
  }

  /** The handler of an MSI-X message: for queue `queue`, or with -1 for a change of configuration. No register is read. */
  onMessage(queue: number): void {
    this.counters.interrupts++;
    if (queue < 0) this.counters.configInterrupts++;
    else this.#queueInterrupt();
  }

  #queueInterrupt(): void {
    const drains = (this.#options.interrupts ?? "drain") === "drain";
    if (!drains || this.#session === null) return;
    this.#live().drain();
    for (const other of this.#more) other.drain();
  }

  #pair(pair: number): NetSession {
    const session = pair === 0 ? this.#live() : this.#more[pair - 1];
    if (session === undefined) throw new DriverError(`the driver has no queue pair ${pair}`);
    return session;
  }

  /** The session, its views of memory renewed where the buffer under them was replaced. */
  #live(): NetSession {
    if (this.#session === null) throw new DriverError("the driver has no queues: call start first");
    this.ram.memory.validate();
    return this.#session;
  }

  #setStatus(bit: number): void {
    this.transport.writeStatus(this.transport.readStatus() | bit);
  }
}

function splitRing(ring: GuestRing): SplitRing {
  if (!(ring instanceof SplitRing)) throw new DriverError("the ring is packed: see `rings`");
  return ring;
}
