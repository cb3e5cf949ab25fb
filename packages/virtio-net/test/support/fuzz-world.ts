import { type Frame, TxResult, writeFrame } from "@vmmkit/ethif";
import { ModernTransport, type PortWidth } from "@vmmkit/guest-driver";
import {
  legacyLayout,
  type QueueLayout,
  VIRTIO_NET_RX_QUEUE,
  VIRTIO_NET_TX_QUEUE,
  VIRTIO_PCI_COMMON_Q_RESET,
  VIRTIO_PCI_COMMON_Q_SELECT,
  VIRTIO_PCI_QUEUE_NOTIFY,
  VIRTIO_PCI_QUEUE_PFN,
  VIRTIO_PCI_QUEUE_SEL,
  VIRTQ_DESC_BYTES,
  VIRTQ_DESC_F_INDIRECT,
  VIRTQ_DESC_F_NEXT,
  VIRTQ_DESC_F_WRITE,
} from "@vmmkit/virtio";
import type { MemoryRegion } from "@vmmkit/vm";
import { type ReplaceableMemory, transferableMemory } from "./replaceable-memory.ts";
import { makeRig, type Rig, testFrame } from "./rig.ts";

/** Entries of both rings. */
export const ENTRIES = 8;
/** RAM from address 0 on; behind it a page of ROM, behind that nothing. */
export const RAM_BYTES = 0x1_0000;
export const ROM_BYTES = 0x1000;
const MEMORY_BYTES = RAM_BYTES + ROM_BYTES;
/** Bytes of a used ring with `avail_event`. */
const USED_BYTES = 6 + 8 * ENTRIES;

/** What `rawTx` does, beside its answer. */
export type Trick = "nothing" | "finishes" | "delivers" | "resets" | "notifies" | "unplugs" | "grows";

/** One thing that guest, backend or VMM does. Plain data, so that a failing run can be read. */
export type Step =
  | { readonly do: "in"; readonly offset: number; readonly width: PortWidth }
  | { readonly do: "out"; readonly offset: number; readonly width: PortWidth; readonly value: number }
  | { readonly do: "poke"; readonly gpa: number; readonly width: 1 | 2 | 4; readonly value: number }
  | {
      readonly do: "descriptor";
      readonly queue: number;
      readonly index: number;
      readonly address: number;
      readonly high: number;
      readonly length: number;
      readonly flags: number;
      readonly next: number;
      readonly table: boolean;
    }
  | {
      /** A chain as a driver would make it, offered and notified of. */
      readonly do: "chain";
      readonly queue: number;
      readonly first: number;
      readonly indirect: boolean;
      readonly parts: readonly { readonly gpa: number; readonly length: number }[];
    }
  | { readonly do: "offer"; readonly queue: number; readonly head: number; readonly ahead: number }
  | { readonly do: "notify"; readonly queue: number }
  | { readonly do: "move"; readonly queue: number; readonly page: number }
  | { readonly do: "grow" }
  | { readonly do: "allocate"; readonly size: number }
  | { readonly do: "complete"; readonly index: number; readonly length: number }
  | { readonly do: "finish"; readonly index: number }
  | { readonly do: "answer"; readonly result: TxResult; readonly trick: Trick }
  | { readonly do: "link"; readonly up: boolean }
  | { readonly do: "settle" }
  | { readonly do: "poll" };

/** Where the fuzzer's indirect tables are. */
export const TABLE_GPA = 0x8000;

/**
 * A card in a small machine, and somebody who watches each byte of its memory: what the device writes has to be in a
 * used ring, or in a buffer that a descriptor of the receive queue offered since the queue was made.
 */
export class FuzzWorld {
  readonly rig: Rig;
  readonly rooms: Frame[] = [];
  readonly #backing: ReplaceableMemory = transferableMemory(RAM_BYTES);
  readonly #ram: MemoryRegion;
  readonly #rom: MemoryRegion;
  readonly #shadow = new Uint8Array(MEMORY_BYTES);
  /** Per byte: 1 where the device may write. */
  readonly #allowed = new Uint8Array(MEMORY_BYTES);
  /**
   * The guest put a used ring onto descriptors of the receive queue. What the card writes there is a descriptor in
   * passing, seen by nobody before or after the step: which bytes of RAM were on offer cannot be told any more.
   */
  #shared = false;
  #receiveRing: QueueLayout | null = null;
  #result: TxResult = TxResult.Complete;
  #trick: Trick = "nothing";
  #depth = 0;

  /** @param transport "modern" has split virtqueues */
  constructor(transport: "legacy" | "modern" = "legacy") {
    this.rig = makeRig({
      transport,
      machine: { buffer: this.#backing.buffer, renew: () => this.#backing, defer: true },
      card: { rxQueueSize: ENTRIES, txQueueSize: ENTRIES, without: transport === "modern" ? ["RING_PACKED"] : [] },
      guest: { rx: { buffers: 4 }, tx: { buffers: 4 } },
      start: false,
    });
    const { memory } = this.rig.machine.vm;
    const rom = memory.addRegion({
      gpa: RAM_BYTES,
      size: ROM_BYTES,
      buffer: new ArrayBuffer(ROM_BYTES),
      writable: false,
    });
    const ram = memory.find(0, RAM_BYTES);
    if (ram === null) throw new Error("no memory");
    this.#ram = ram;
    this.#rom = rom;
    rom.bytes.fill(0x5a);
    const { backend } = this.rig;
    backend.copies = false;
    backend.answer = (frame) => this.#transmit(frame);
    backend.onPoll = () => this.#takeRooms();
  }

  /** Does one thing, and looks at what it did to the memory. @throws Error where that was too much */
  run(step: Step): void {
    this.#snapshot();
    const before = this.#chains();
    this.#do(step);
    const after = this.#chains();
    // A step is at most a run of each queue and a deferred one; nested ones come out of the same budget.
    if (after - before > 6 * ENTRIES) throw new Error(`${after - before} chains in one step`);
    this.#check();
  }

  /** All that is out comes home. */
  drain(): void {
    this.#trick = "nothing";
    this.#result = TxResult.Complete;
    const { backend } = this.rig;
    while (backend.kept.length > 0) backend.finish();
    for (const room of this.rooms.splice(0)) backend.giveBack(room);
    backend.onPoll = () => {};
  }

  #do(step: Step): void {
    const { machine, backend, card } = this.rig;
    switch (step.do) {
      case "in":
        if (this.#modern === null) machine.ports.in(card.iobase + step.offset, step.width);
        else machine.ports.load(this.#modernBase + step.offset, step.width);
        break;
      case "out":
        this.#out(step.offset, step.width, step.value);
        break;
      case "poke":
        this.#poke(step.gpa, step.width, step.value);
        break;
      case "descriptor":
        this.#descriptor(step);
        break;
      case "chain":
        this.#chain(step);
        break;
      case "offer":
        this.#offer(step);
        break;
      case "notify":
        this.#notify(step.queue);
        break;
      case "move":
        this.#move(step.queue, step.page);
        break;
      case "grow":
        this.#backing.replace();
        break;
      case "allocate":
        this.#allocate(step.size);
        break;
      case "complete":
        this.#complete(step.index, step.length);
        break;
      case "finish":
        if (backend.kept.length > 0) backend.finish(step.index % backend.kept.length);
        break;
      case "answer":
        this.#result = step.result;
        this.#trick = step.trick;
        break;
      case "link":
        card.setLink(step.up);
        break;
      case "settle":
        machine.settle();
        break;
      case "poll":
        card.poll();
        break;
    }
  }

  #transmit(frame: Frame): TxResult {
    for (let i = 0; i < frame.rangeCount; i++) {
      const end = (frame.offset[i] ?? 0) + (frame.length[i] ?? 0);
      if (end > (frame.bytes[i]?.length ?? 0)) throw new Error("a range beyond its region");
    }
    // Tricks within tricks come to an end.
    if (this.#depth < 2) {
      this.#depth++;
      this.#play();
      this.#depth--;
    }
    return this.#result;
  }

  #play(): void {
    const { backend, card } = this.rig;
    if (this.#trick === "finishes" && backend.kept.length > 0) backend.finish();
    else if (this.#trick === "delivers") this.#allocateAndComplete();
    else if (this.#trick === "resets") this.rig.driver.transport.writeStatus(0);
    else if (this.#trick === "notifies") {
      this.#notify(VIRTIO_NET_TX_QUEUE);
      this.#notify(VIRTIO_NET_RX_QUEUE);
    } else if (this.#trick === "unplugs") card.setLink(!card.linkUp);
    else if (this.#trick === "grows") this.#backing.replace();
  }

  #allocate(size: number): void {
    const room = this.rig.backend.allocate(size);
    if (room === null) return;
    if (room.totalBytes < size) throw new Error("less room than asked for");
    this.rooms.push(room);
  }

  #complete(index: number, length: number): void {
    const [room] = this.rooms.splice(index % Math.max(1, this.rooms.length), 1);
    if (room === undefined) return;
    const bytes = testFrame(Math.min(length, room.totalBytes), length);
    writeFrame(room, bytes);
    this.rig.backend.driver.callbacks.rxComplete(1, [room], [bytes.length]);
  }

  #allocateAndComplete(): void {
    this.#allocate(100);
    this.#complete(this.rooms.length - 1, 60);
  }

  #takeRooms(): void {
    if (this.#depth < 2 && this.rooms.length < ENTRIES) this.#allocate(1514);
  }

  #descriptor(step: Extract<Step, { do: "descriptor" }>): void {
    const table = step.table ? TABLE_GPA : this.#table(step.queue);
    this.#write(table, step.index, step.address, step.high, step.length, step.flags, step.next);
  }

  #chain({ queue, first, indirect, parts }: Extract<Step, { do: "chain" }>): void {
    const ring = this.#table(queue);
    // A table of its own for each descriptor of the ring, so that a chain that is out keeps its one.
    const own = TABLE_GPA + 0x100 * (queue * ENTRIES + first);
    const direction = queue === VIRTIO_NET_RX_QUEUE ? VIRTQ_DESC_F_WRITE : 0;
    parts.forEach(({ gpa, length }, i) => {
      const index = indirect ? i : (first + i) % ENTRIES;
      const next = indirect ? i + 1 : (first + i + 1) % ENTRIES;
      const more = i + 1 < parts.length ? VIRTQ_DESC_F_NEXT : 0;
      this.#write(indirect ? own : ring, index, gpa, 0, length, direction | more, next);
    });
    if (indirect) this.#write(ring, first, own, 0, VIRTQ_DESC_BYTES * parts.length, VIRTQ_DESC_F_INDIRECT, 0);
    this.#offer({ do: "offer", queue, head: first, ahead: 1 });
    this.#notify(queue);
  }

  get #modern(): ModernTransport | null {
    const { transport } = this.rig.driver;
    return transport instanceof ModernTransport ? transport : null;
  }

  /** Where the modern registers are. */
  get #modernBase(): number {
    return this.#modern?.bars.find(({ kind }) => kind === "memory64")?.address ?? 0;
  }

  #out(offset: number, width: PortWidth, value: number): void {
    const { machine, card } = this.rig;
    if (this.#modern === null) machine.ports.out(card.iobase + offset, width, value);
    else machine.ports.store(this.#modernBase + offset, width, value);
  }

  #notify(queue: number): void {
    if (this.#modern === null) this.#out(VIRTIO_PCI_QUEUE_NOTIFY, 2, queue);
    else this.#modern.notify(queue);
  }

  /** Puts a queue at a page; 0 takes it away. */
  #move(queue: number, page: number): void {
    const modern = this.#modern;
    if (modern === null) {
      this.#out(VIRTIO_PCI_QUEUE_SEL, 2, queue);
      this.#out(VIRTIO_PCI_QUEUE_PFN, 4, page);
      return;
    }
    modern.writeCommon(VIRTIO_PCI_COMMON_Q_SELECT, 2, queue);
    modern.writeCommon(VIRTIO_PCI_COMMON_Q_RESET, 2, 1);
    const { descTable, availRing, usedRing } = legacyLayout(4096 * page, ENTRIES);
    if (page !== 0) modern.writeQueue(queue, descTable, availRing, usedRing);
  }

  #table(queue: number): number {
    return this.#layout(queue)?.descTable ?? 0x1000;
  }

  #write(
    table: number,
    index: number,
    address: number,
    high: number,
    length: number,
    flags: number,
    next: number,
  ): void {
    const gpa = table + VIRTQ_DESC_BYTES * index;
    this.#poke(gpa, 4, address);
    this.#poke(gpa + 4, 4, high);
    this.#poke(gpa + 8, 4, length);
    this.#poke(gpa + 12, 2, flags);
    this.#poke(gpa + 14, 2, next);
  }

  /** Puts a head into the next entry of the available ring and moves its index. */
  #offer({ queue, head, ahead }: Extract<Step, { do: "offer" }>): void {
    const ring = this.#layout(queue)?.availRing ?? 0x1080;
    const idx = this.#peek16(ring + 2);
    this.#poke(ring + 4 + 2 * (idx % ENTRIES), 2, head);
    this.#poke(ring + 2, 2, idx + ahead);
  }

  #layout(queue: number): QueueLayout | null {
    return this.rig.card.emul.state.queues[queue]?.layout ?? null;
  }

  /** The guest's RAM, wherever it is now. */
  #bytes(): Uint8Array {
    this.rig.machine.vm.memory.validate();
    return this.#ram.bytes;
  }

  /** The guest writes: in its memory and in the picture of it. Writes beyond RAM go nowhere. */
  #poke(gpa: number, width: number, value: number): void {
    const bytes = this.#bytes();
    for (let i = 0; i < width && gpa + i < RAM_BYTES; i++) {
      bytes[gpa + i] = value >>> (8 * i);
      this.#shadow[gpa + i] = value >>> (8 * i);
    }
  }

  #peek16(gpa: number): number {
    const bytes = this.#bytes();
    return gpa + 1 < RAM_BYTES ? (bytes[gpa] ?? 0) | ((bytes[gpa + 1] ?? 0) << 8) : 0;
  }

  #chains(): number {
    const { transmitQueue, receiveQueue } = this.rig.card.counters;
    return transmitQueue.chains + receiveQueue.chains;
  }

  #snapshot(): void {
    this.#shadow.set(this.#bytes());
    this.#shadow.set(this.#rom.bytes, RAM_BYTES);
    const ring = this.#layout(VIRTIO_NET_RX_QUEUE);
    if (ring !== this.#receiveRing) {
      this.#receiveRing = ring;
      this.#allowed.fill(0);
    }
    this.#allow();
  }

  /** Adds what descriptors and rings now allow. */
  #allow(): void {
    for (const queue of [VIRTIO_NET_RX_QUEUE, VIRTIO_NET_TX_QUEUE]) {
      const layout = this.#layout(queue);
      if (layout === null) continue;
      const wanted = legacyLayout(layout.descTable, ENTRIES);
      // A modern driver puts each part where it likes.
      if (this.#modern === null && wanted.usedRing !== layout.usedRing)
        throw new Error("a used ring where none belongs");
      this.#allowRange(layout.usedRing, USED_BYTES);
    }
    const ring = this.#layout(VIRTIO_NET_RX_QUEUE);
    if (ring === null) return;
    this.#allowTable(ring.descTable, ENTRIES, true);
    const tableEnd = ring.descTable + VIRTQ_DESC_BYTES * ENTRIES;
    for (const used of [ring.usedRing, this.#layout(VIRTIO_NET_TX_QUEUE)?.usedRing ?? RAM_BYTES]) {
      if (used < tableEnd && used + USED_BYTES > ring.descTable) this.#shared = true;
    }
  }

  #allowTable(gpa: number, entries: number, indirect: boolean): void {
    const view = new DataView(this.#bytes().buffer, 0, RAM_BYTES);
    for (let i = 0; i < entries; i++) {
      const at = gpa + VIRTQ_DESC_BYTES * i;
      if (at + VIRTQ_DESC_BYTES > RAM_BYTES) return;
      if (view.getUint32(at + 4, true) !== 0) continue;
      const address = view.getUint32(at, true);
      const length = view.getUint32(at + 8, true);
      const flags = view.getUint16(at + 12, true);
      if ((flags & VIRTQ_DESC_F_INDIRECT) !== 0) {
        if (indirect) this.#allowTable(address, Math.min(Math.floor(length / VIRTQ_DESC_BYTES), 1024), false);
      } else if ((flags & VIRTQ_DESC_F_WRITE) !== 0 && address + length <= RAM_BYTES) {
        this.#allowRange(address, length);
      }
    }
  }

  #allowRange(gpa: number, length: number): void {
    this.#allowed.fill(1, gpa, Math.min(gpa + length, RAM_BYTES));
  }

  #check(): void {
    const bytes = this.#bytes();
    if (Buffer.compare(this.#rom.bytes, this.#shadow.subarray(RAM_BYTES)) !== 0) throw new Error("the ROM was written");
    if (Buffer.compare(bytes, this.#shadow.subarray(0, RAM_BYTES)) === 0) return;
    // A queue that the step itself made counts too.
    this.#allow();
    if (this.#shared) return;
    for (let gpa = 0; gpa < RAM_BYTES; gpa++) {
      if (bytes[gpa] === this.#shadow[gpa] || this.#allowed[gpa] === 1) continue;
      throw new Error(`0x${gpa.toString(16)} was written, which nobody offered`);
    }
  }
}
