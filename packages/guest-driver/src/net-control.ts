import * as virtio from "@vmmkit/virtio";
import { DriverError } from "./errors.ts";
import type { GuestRam } from "./guest-ram.ts";
import type { GuestRing } from "./guest-ring.ts";
import { PackedRing } from "./packed-ring.ts";
import { allocatePackedRing, allocateRing, freePackedRing, freeRing } from "./ring-memory.ts";
import { type ChainPart, SplitRing } from "./split-ring.ts";
import type { GuestTransport } from "./transport.ts";

/** Bytes for one command and its answer. */
const BUFFER_BYTES = 4096;
const ACK_AT = BUFFER_BYTES - 64;
/** What lies in place of `ack` until the device writes it. */
const NO_ACK = 0xee;

/** Name of a receive mode, as its command's (VIRTIO 1.2, 5.1.6.5.1). */
export type RxMode = "promisc" | "allmulti" | "alluni" | "nomulti" | "nouni" | "nobcast";

const RX_MODES: Record<RxMode, number> = {
  promisc: virtio.VIRTIO_NET_CTRL_RX_PROMISC,
  allmulti: virtio.VIRTIO_NET_CTRL_RX_ALLMULTI,
  alluni: virtio.VIRTIO_NET_CTRL_RX_ALLUNI,
  nomulti: virtio.VIRTIO_NET_CTRL_RX_NOMULTI,
  nouni: virtio.VIRTIO_NET_CTRL_RX_NOUNI,
  nobcast: virtio.VIRTIO_NET_CTRL_RX_NOBCAST,
};

/** What `setRss` sends (5.1.6.5.7.1). */
export interface RssParameters {
  readonly hashTypes: number;
  /** Receive queues by number of their pair; the mask is one less than there are. */
  readonly table: readonly number[];
  readonly unclassified?: number;
  /** Default 1. */
  readonly maxTxVq?: number;
  readonly key: Uint8Array;
}

/** How the control queue's ring is driven. */
export interface ControlRingOptions {
  readonly packed: boolean;
  readonly eventIdx: boolean;
}

/**
 * A driver's side of the control queue (5.1.6.5). Commands are carried out one by one, each before it returns; it
 * answers whether the device said VIRTIO_NET_OK.
 */
export class NetControl {
  readonly ring: GuestRing;
  /** Number of the queue. */
  readonly index: number;
  /** How many bytes the device said that it wrote, of the last command. */
  writtenBytes = 0;
  readonly #transport: GuestTransport;
  readonly #ram: GuestRam;
  readonly #buffer: number;

  /** Makes the ring and tells the device where it is. @throws DriverError where the device has no such queue */
  constructor(transport: GuestTransport, ram: GuestRam, index: number, rings: ControlRingOptions) {
    const size = transport.readQueueSize(index);
    if (size === 0) throw new DriverError(`the device has no control queue ${index}`);
    const layout = rings.packed ? allocatePackedRing(ram, size) : allocateRing(ram, size, transport.legacyLayout);
    this.ring = rings.packed ? new PackedRing(ram, layout, rings) : new SplitRing(ram, layout, rings);
    this.index = index;
    this.#transport = transport;
    this.#ram = ram;
    this.#buffer = ram.alloc(BUFFER_BYTES);
    transport.writeQueue(index, layout.descTable, layout.availRing, layout.usedRing);
  }

  /** Gives the memory back. The device must have been reset before. */
  dispose(): void {
    this.ring.dispose();
    if (this.ring instanceof PackedRing) freePackedRing(this.#ram, this.ring.layout);
    else freeRing(this.#ram, this.ring.layout);
    this.#ram.free(this.#buffer, BUFFER_BYTES);
  }

  /** Sends a command: header, data, and a byte for the answer, each in a descriptor of its own (5.1.6.6). */
  command(controlClass: number, command: number, ...data: readonly Uint8Array[]): boolean {
    return this.exchange(controlClass, command, data, 0) !== null;
  }

  /** Sends a command that is answered with `answerBytes` bytes. @returns the answer, null where the device refused */
  exchange(controlClass: number, command: number, data: readonly Uint8Array[], answerBytes: number): Uint8Array | null {
    const pieces = [Uint8Array.of(controlClass, command), ...data.filter((piece) => piece.length > 0)];
    const readable: ChainPart[] = [];
    let at = this.#buffer;
    for (const piece of pieces) {
      this.#ram.write(at, piece);
      readable.push({ gpa: at, length: piece.length });
      at += piece.length;
    }
    const answer = this.#buffer + ACK_AT;
    const writable = answerBytes === 0 ? [] : [{ gpa: answer, length: answerBytes }];
    const ack = this.exchangeRaw(readable, [...writable, { gpa: answer + answerBytes, length: 1 }]);
    return ack === virtio.VIRTIO_NET_OK ? this.#ram.read(answer, answerBytes).slice() : null;
  }

  /** Sends a chain as it is. @returns the last byte of its writable part, `0xee` where the device did not write it */
  exchangeRaw(readable: readonly ChainPart[], writable: readonly ChainPart[]): number {
    for (const { gpa, length } of writable) this.#ram.write(gpa, new Uint8Array(length).fill(NO_ACK));
    const { ring } = this;
    ring.begin();
    for (const { gpa, length } of readable) ring.readable(gpa, length);
    for (const { gpa, length } of writable) ring.writable(gpa, length);
    const head = ring.end();
    ring.publish();
    if (ring.kickNeeded()) this.#transport.notify(this.index);
    const used = ring.popUsed();
    if (used !== head) throw new DriverError(`the device gave back chain ${used}, not ${head}`);
    this.writtenBytes = ring.usedLength;
    const last = writable.at(-1);
    return last === undefined ? NO_ACK : this.#ram.readUint(last.gpa + last.length - 1, 1);
  }

  /** Turns a receive mode on or off. */
  setRxMode(mode: RxMode, on: boolean): boolean {
    return this.command(virtio.VIRTIO_NET_CTRL_RX, RX_MODES[mode], Uint8Array.of(on ? 1 : 0));
  }

  /** The addresses that the card is to receive, beside its own (5.1.6.5.2). */
  setMacTable(unicast: readonly Uint8Array[], multicast: readonly Uint8Array[]): boolean {
    const table = (macs: readonly Uint8Array[]) => concat(le32(macs.length), ...macs);
    return this.command(
      virtio.VIRTIO_NET_CTRL_MAC,
      virtio.VIRTIO_NET_CTRL_MAC_TABLE_SET,
      table(unicast),
      table(multicast),
    );
  }

  /** The card's own address. */
  setMac(mac: Uint8Array): boolean {
    return this.command(virtio.VIRTIO_NET_CTRL_MAC, virtio.VIRTIO_NET_CTRL_MAC_ADDR_SET, mac);
  }

  /** Joins or leaves a VLAN (5.1.6.5.3). */
  setVlan(id: number, joined: boolean): boolean {
    const command = joined ? virtio.VIRTIO_NET_CTRL_VLAN_ADD : virtio.VIRTIO_NET_CTRL_VLAN_DEL;
    return this.command(virtio.VIRTIO_NET_CTRL_VLAN, command, le16(id));
  }

  /** Says that the guest has announced itself (5.1.6.5.4). */
  acknowledgeAnnounce(): boolean {
    return this.command(virtio.VIRTIO_NET_CTRL_ANNOUNCE, virtio.VIRTIO_NET_CTRL_ANNOUNCE_ACK);
  }

  /** How many queue pairs are in use, with automatic receive steering (5.1.6.5.6). */
  setQueuePairs(pairs: number): boolean {
    return this.command(virtio.VIRTIO_NET_CTRL_MQ, virtio.VIRTIO_NET_CTRL_MQ_VQ_PAIRS_SET, le16(pairs));
  }

  /** Receive-side scaling. */
  setRss(parameters: RssParameters): boolean {
    const { hashTypes, table, unclassified = 0, maxTxVq = 1, key } = parameters;
    return this.command(
      virtio.VIRTIO_NET_CTRL_MQ,
      virtio.VIRTIO_NET_CTRL_MQ_RSS_CONFIG,
      concat(le32(hashTypes), le16(table.length - 1), le16(unclassified)),
      concat(...table.map(le16)),
      concat(le16(maxTxVq), Uint8Array.of(key.length), key),
    );
  }

  /** How reported hashes are calculated, without receive-side scaling (5.1.6.5.6.4). */
  setHash(hashTypes: number, key: Uint8Array): boolean {
    return this.command(
      virtio.VIRTIO_NET_CTRL_MQ,
      virtio.VIRTIO_NET_CTRL_MQ_HASH_CONFIG,
      concat(le32(hashTypes), new Uint8Array(8), Uint8Array.of(key.length), key),
    );
  }

  /** The offloads that the driver takes, as feature bits 0 to 31 and 32 to 63 (5.1.6.5.8). */
  setGuestOffloads(low: number, high = 0): boolean {
    return this.command(
      virtio.VIRTIO_NET_CTRL_GUEST_OFFLOADS,
      virtio.VIRTIO_NET_CTRL_GUEST_OFFLOADS_SET,
      concat(le32(low), le32(high)),
    );
  }

  /** Coalescing of all receive or all transmit queues (VIRTIO 1.3). */
  setCoalescing(direction: "rx" | "tx", maxPackets: number, maxUsecs: number): boolean {
    const command =
      direction === "rx" ? virtio.VIRTIO_NET_CTRL_NOTF_COAL_RX_SET : virtio.VIRTIO_NET_CTRL_NOTF_COAL_TX_SET;
    return this.command(virtio.VIRTIO_NET_CTRL_NOTF_COAL, command, concat(le32(maxPackets), le32(maxUsecs)));
  }

  /** Coalescing of one queue. */
  setQueueCoalescing(queue: number, maxPackets: number, maxUsecs: number): boolean {
    const data = concat(le16(queue), le16(0), le32(maxPackets), le32(maxUsecs));
    return this.command(virtio.VIRTIO_NET_CTRL_NOTF_COAL, virtio.VIRTIO_NET_CTRL_NOTF_COAL_VQ_SET, data);
  }

  /** Reads it back: [max_packets, max_usecs], or null where the device refused. */
  queueCoalescing(queue: number): [maxPackets: number, maxUsecs: number] | null {
    const data = concat(le16(queue), le16(0));
    const { VIRTIO_NET_CTRL_NOTF_COAL, VIRTIO_NET_CTRL_NOTF_COAL_VQ_GET } = virtio;
    const answer = this.exchange(VIRTIO_NET_CTRL_NOTF_COAL, VIRTIO_NET_CTRL_NOTF_COAL_VQ_GET, [data], 8);
    if (answer === null) return null;
    const view = new DataView(answer.buffer, answer.byteOffset);
    return [view.getUint32(0, true), view.getUint32(4, true)];
  }
}

function concat(...pieces: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}

function le16(value: number): Uint8Array {
  return Uint8Array.of(value, value >>> 8);
}

function le32(value: number): Uint8Array {
  return Uint8Array.of(value, value >>> 8, value >>> 16, value >>> 24);
}
