import { MAC_BYTES } from "@vmmkit/ethif";
import {
  VIRTIO_NET_CONFIG_MAC,
  VIRTIO_NET_CONFIG_MAX_VIRTQUEUE_PAIRS,
  VIRTIO_NET_CONFIG_MTU,
  VIRTIO_NET_CONFIG_STATUS,
  VIRTIO_NET_S_LINK_UP,
} from "@vmmkit/virtio";

/** Bytes of the configuration, up to and with `mtu`. */
const CONFIG_BYTES = 12;

/** The card's configuration as the guest reads it (VIRTIO 1.2, 5.1.4), little-endian. */
export class NetConfig {
  /** The bytes. The transport reads them. */
  readonly bytes: Uint8Array = new Uint8Array(CONFIG_BYTES);
  /** The backend's address, which a reset brings back. */
  readonly #mac: Uint8Array;

  constructor(mac: Uint8Array, mtu: number, linkUp: boolean) {
    this.#mac = mac.slice(0, MAC_BYTES);
    this.reset();
    this.#put16(VIRTIO_NET_CONFIG_MAX_VIRTQUEUE_PAIRS, 1);
    this.#put16(VIRTIO_NET_CONFIG_MTU, mtu);
    this.setLink(linkUp);
  }

  /** A copy of the address that the card has now. */
  get mac(): Uint8Array {
    return this.bytes.slice(VIRTIO_NET_CONFIG_MAC, VIRTIO_NET_CONFIG_MAC + MAC_BYTES);
  }

  /** The guest reset the device: the address that it may have written is gone. */
  reset(): void {
    this.bytes.set(this.#mac, VIRTIO_NET_CONFIG_MAC);
  }

  /** The carrier came or went. */
  setLink(up: boolean): void {
    this.#put16(VIRTIO_NET_CONFIG_STATUS, up ? VIRTIO_NET_S_LINK_UP : 0);
  }

  /** The guest writes a byte. Only the address is its to change, in the legacy interface (5.1.4.1). */
  write(offset: number, value: number): void {
    if (offset >= VIRTIO_NET_CONFIG_MAC && offset < VIRTIO_NET_CONFIG_MAC + MAC_BYTES) this.bytes[offset] = value;
  }

  #put16(offset: number, value: number): void {
    this.bytes[offset] = value;
    this.bytes[offset + 1] = value >>> 8;
  }
}
