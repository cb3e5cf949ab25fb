import { MAC_BYTES } from "@vmmkit/ethif";
import {
  VIRTIO_NET_CONFIG_DUPLEX,
  VIRTIO_NET_CONFIG_MAC,
  VIRTIO_NET_CONFIG_MAX_VIRTQUEUE_PAIRS,
  VIRTIO_NET_CONFIG_MTU,
  VIRTIO_NET_CONFIG_RSS_MAX_INDIRECTION_TABLE_LENGTH,
  VIRTIO_NET_CONFIG_RSS_MAX_KEY_SIZE,
  VIRTIO_NET_CONFIG_SPEED,
  VIRTIO_NET_CONFIG_STATUS,
  VIRTIO_NET_CONFIG_SUPPORTED_HASH_TYPES,
  VIRTIO_NET_DUPLEX_FULL,
  VIRTIO_NET_DUPLEX_HALF,
  VIRTIO_NET_DUPLEX_UNKNOWN,
  VIRTIO_NET_S_ANNOUNCE,
  VIRTIO_NET_S_LINK_UP,
  VIRTIO_NET_SPEED_UNKNOWN,
} from "@vmmkit/virtio";
import type { LinkSpeed } from "./options.ts";
import { ALL_HASH_TYPES } from "./steering/packet-hash.ts";
import { RSS_TABLE_ENTRIES } from "./steering/rss-config.ts";
import { RSS_KEY_BYTES } from "./steering/toeplitz.ts";

/** Bytes of the configuration, up to and with `supported_hash_types`. */
const CONFIG_BYTES = 24;

/** What the configuration says from the start. */
export interface NetConfigInit {
  readonly mac: Uint8Array;
  readonly mtu: number;
  readonly linkUp: boolean;
  /** Queue pairs, from 1 on. */
  readonly pairs: number;
  readonly speed: LinkSpeed | undefined;
}

/**
 * The card's configuration as the guest reads it (VIRTIO 1.2, 5.1.4), little-endian. Fields of features that are not
 * offered have their values all the same.
 */
export class NetConfig {
  /** The bytes. The transport reads them. */
  readonly bytes: Uint8Array = new Uint8Array(CONFIG_BYTES);
  /** The address in them: the card's, at any time. */
  readonly macBytes: Uint8Array = this.bytes.subarray(VIRTIO_NET_CONFIG_MAC, VIRTIO_NET_CONFIG_MAC + MAC_BYTES);
  readonly #view = new DataView(this.bytes.buffer);
  /** The backend's address, which a reset brings back. */
  readonly #mac: Uint8Array;

  constructor({ mac, mtu, linkUp, pairs, speed }: NetConfigInit) {
    this.#mac = mac.slice(0, MAC_BYTES);
    this.reset();
    this.#put16(VIRTIO_NET_CONFIG_MAX_VIRTQUEUE_PAIRS, pairs);
    this.#put16(VIRTIO_NET_CONFIG_MTU, mtu);
    this.#view.setUint32(VIRTIO_NET_CONFIG_SPEED, speed?.mbps ?? VIRTIO_NET_SPEED_UNKNOWN, true);
    this.bytes[VIRTIO_NET_CONFIG_DUPLEX] = duplexCode(speed);
    this.bytes[VIRTIO_NET_CONFIG_RSS_MAX_KEY_SIZE] = RSS_KEY_BYTES;
    this.#put16(VIRTIO_NET_CONFIG_RSS_MAX_INDIRECTION_TABLE_LENGTH, RSS_TABLE_ENTRIES);
    this.#view.setUint32(VIRTIO_NET_CONFIG_SUPPORTED_HASH_TYPES, ALL_HASH_TYPES, true);
    this.setLink(linkUp);
  }

  /** A copy of the address that the card has now. */
  get mac(): Uint8Array {
    return this.macBytes.slice();
  }

  /** What the configuration says of the MTU. */
  get mtu(): number {
    return this.#view.getUint16(VIRTIO_NET_CONFIG_MTU, true);
  }

  /** The guest gave the card another address. */
  setMac(mac: Uint8Array): void {
    this.macBytes.set(mac);
  }

  /** Whether the guest is asked to announce itself. */
  get announce(): boolean {
    return (this.#status & VIRTIO_NET_S_ANNOUNCE) !== 0;
  }

  /** The guest reset the device: the address that it may have written is gone, and so is what it was asked for. */
  reset(): void {
    this.setMac(this.#mac);
    this.setAnnounce(false);
  }

  /** The carrier came or went. */
  setLink(up: boolean): void {
    this.#setStatus(VIRTIO_NET_S_LINK_UP, up);
  }

  /** The guest is to announce itself, or has done so. */
  setAnnounce(wanted: boolean): void {
    this.#setStatus(VIRTIO_NET_S_ANNOUNCE, wanted);
  }

  /** The guest writes a byte. Only the address is its to change, in the legacy interface (5.1.4.1). */
  write(offset: number, value: number): void {
    if (offset >= VIRTIO_NET_CONFIG_MAC && offset < VIRTIO_NET_CONFIG_MAC + MAC_BYTES) this.bytes[offset] = value;
  }

  get #status(): number {
    return this.#view.getUint16(VIRTIO_NET_CONFIG_STATUS, true);
  }

  #setStatus(bit: number, set: boolean): void {
    this.#put16(VIRTIO_NET_CONFIG_STATUS, set ? this.#status | bit : this.#status & ~bit);
  }

  #put16(offset: number, value: number): void {
    this.#view.setUint16(offset, value, true);
  }
}

function duplexCode(speed: LinkSpeed | undefined): number {
  if (speed?.duplex === undefined) return VIRTIO_NET_DUPLEX_UNKNOWN;
  return speed.duplex === "full" ? VIRTIO_NET_DUPLEX_FULL : VIRTIO_NET_DUPLEX_HALF;
}
