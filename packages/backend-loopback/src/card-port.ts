import { copyFrame, type EthDriver, type Frame, formatMac, type LinkInfo, type MacAddress } from "@vmmkit/ethif";
import { Delivery } from "./delivery.ts";
import { type HubCore, HubSide } from "./hub-side.ts";
import { RING_HEADER_BYTES } from "./ring-layout.ts";
import { RingReader } from "./ring-reader.ts";
import { RingWriter } from "./ring-writer.ts";

/** What a port for a card is made with. */
export interface CardPortInit {
  readonly name: string;
  readonly mac: MacAddress;
  readonly mtu: number;
  readonly offloads: number;
  readonly linkUp: boolean;
  readonly bufferBytes: number;
  readonly batchFrames: number;
  /** Called once, when the port has left the hub. */
  readonly onClose: () => void;
}

/** A hub's port with a card on the same thread. Frames go from guest to guest with one copy as long as there is room. */
export class CardPort extends HubSide {
  readonly mac: MacAddress;
  readonly #init: CardPortInit;
  readonly #delivery: Delivery;
  /** Frames that found no room, copied. Made when the first one comes. */
  #buffer: { writer: RingWriter; reader: RingReader } | null = null;
  #kept = 0;

  constructor(hub: HubCore, init: CardPortInit) {
    super(hub, init.name, init.linkUp);
    this.mac = init.mac;
    this.#init = init;
    this.#delivery = new Delivery(init.batchFrames);
  }

  override get full(): boolean {
    return this.#delivery.full;
  }

  /** `lowLevelInit` of the port. */
  attach(driver: EthDriver): LinkInfo {
    this.#delivery.attach(driver);
    const { mac, mtu, offloads } = this.#init;
    return { mac, mtu, txOffloads: offloads, rxOffloads: offloads, linkUp: this.linkUp };
  }

  override accept(frame: Frame): boolean {
    // Behind frames that wait, so that none overtakes.
    if (this.#kept === 0 && this.#deliver(frame)) return true;
    return this.#keep(frame);
  }

  override release(): boolean {
    this.#resume();
    return this.#delivery.send() && this.#kept > 0;
  }

  /** The guest has posted room. */
  look(): void {
    this.hub.mark(this);
    this.hub.flush();
  }

  /** The carrier comes or goes; the guest is told. */
  setLink(up: boolean): void {
    if (!this.open || this.linkUp === up) return;
    this.linkUp = up;
    if (!up) this.counters.linkDown += this.#discard();
    this.#delivery.driver?.callbacks.linkChange(up);
  }

  override close(): void {
    if (!this.open) return;
    this.open = false;
    this.hub.remove(this);
    this.counters.closed += this.#discard();
    this.#delivery.send();
    this.#init.onClose();
  }

  describe(): string {
    const { framesIn, framesOut, dropped } = this.counters;
    const state = this.open ? (this.linkUp ? "link up" : "link down") : "closed";
    const frames = `${framesIn} frames in, ${framesOut} out, ${dropped} dropped, ${this.#kept} waiting`;
    return `hub port ${this.name} ${formatMac(this.mac)} mtu ${this.#init.mtu}: ${state}, ${frames}`;
  }

  #deliver(frame: Frame): boolean {
    const room = this.#delivery.room(frame.totalBytes);
    if (room === null) return false;
    const copied = copyFrame(frame, room);
    this.#delivery.add(room, copied);
    this.countOut(room, copied);
    return true;
  }

  #keep(frame: Frame): boolean {
    const capacity = this.#init.bufferBytes;
    if (capacity === 0 || this.#delivery.driver === null) return false;
    if (this.#buffer === null) {
      const memory = new ArrayBuffer(RING_HEADER_BYTES + capacity);
      const place = { memory, headerOffset: 0, dataOffset: RING_HEADER_BYTES, capacity };
      this.#buffer = { writer: new RingWriter(place), reader: new RingReader(place) };
    }
    if (!this.#buffer.writer.put(frame)) return false;
    this.#buffer.writer.publish();
    this.#kept++;
    return true;
  }

  /** Lets waiting frames follow as long as there is room. */
  #resume(): void {
    const buffer = this.#buffer;
    if (buffer === null) return;
    const reader = buffer.reader;
    for (let frame = reader.peek(); frame !== null; frame = reader.peek()) {
      const delivered = this.#deliver(frame);
      if (!delivered && !this.#delivery.neverFits()) break;
      // Closed or unplugged by whoever was called meanwhile: the frames were counted there.
      if (this.#buffer !== buffer) return;
      if (!delivered) this.counters.noBuffers++;
      reader.consume();
      this.#kept--;
    }
    reader.release();
  }

  /** Throws away what waits. Answers how many frames that were. */
  #discard(): number {
    const count = this.#kept;
    this.#kept = 0;
    this.#buffer = null;
    return count;
  }
}
