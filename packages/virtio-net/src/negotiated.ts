import {
  VIRTIO_F_VERSION_1,
  VIRTIO_NET_F_CTRL_VQ,
  VIRTIO_NET_F_HASH_REPORT,
  VIRTIO_NET_F_MQ,
  VIRTIO_NET_F_MRG_RXBUF,
  VIRTIO_NET_F_RSS,
  VIRTIO_NET_HDR_BYTES,
  VIRTIO_NET_HDR_HASH_BYTES,
  VIRTIO_NET_HDR_MRG_BYTES,
} from "@vmmkit/virtio";
import { type FeatureBits, hasBit, withoutUnmet } from "./feature-dependencies.ts";

const NOTHING: FeatureBits = { low: 0, high: 0 };

/** What the driver and the card agreed on, and what follows from it for headers and the numbers of queues. */
export class Negotiated {
  #bits = NOTHING;
  /** Somebody other than the control queue spoke of more than one pair. */
  toldOfPairs = false;

  /** What both sides have, as far as it makes sense together. */
  get bits(): FeatureBits {
    return this.#bits;
  }

  /** The driver has chosen. @param low bits 0 to 31 of what both sides have @param high bits 32 to 63 */
  settle(low: number, high: number): void {
    this.#bits = withoutUnmet({ low, high });
  }

  /** Nothing is agreed on any more. */
  reset(): void {
    this.#bits = NOTHING;
    this.toldOfPairs = false;
  }

  has(feature: number): boolean {
    return hasBit(this.#bits, feature);
  }

  /** Whether the driver knows of more than one queue pair. */
  several(): boolean {
    return this.toldOfPairs || this.has(VIRTIO_NET_F_MQ) || this.has(VIRTIO_NET_F_RSS);
  }

  /**
   * The number of the control queue (5.1.2): behind all pairs where the driver knows of several, and -1 without.
   * @param pairs how many the card has
   */
  controlIndex(pairs: number): number {
    if (!this.has(VIRTIO_NET_F_CTRL_VQ)) return -1;
    return this.several() ? 2 * pairs : 2;
  }

  /** Bytes of the header before each frame (5.1.6). */
  headerBytes(): number {
    if (this.has(VIRTIO_NET_F_HASH_REPORT)) return VIRTIO_NET_HDR_HASH_BYTES;
    const long = this.has(VIRTIO_NET_F_MRG_RXBUF) || this.has(VIRTIO_F_VERSION_1);
    return long ? VIRTIO_NET_HDR_MRG_BYTES : VIRTIO_NET_HDR_BYTES;
  }
}
