import { VIRTIO_NET_HASH_REPORT_NONE } from "@vmmkit/virtio";
import type { FrameHead } from "../frame-head.ts";
import { FlowTable, flowHash } from "./flow-table.ts";
import { PacketFields } from "./packet-fields.ts";
import { PacketHash } from "./packet-hash.ts";
import type { HashConfig, RssConfig } from "./rss-config.ts";

const NO_KEY = new Uint8Array(0);

/**
 * Which queue pair a received frame goes to (VIRTIO 1.2, 5.1.6.5.5 to 5.1.6.5.7), and its hash. One pair is in use
 * until the driver says otherwise; the last command that it sent counts.
 *
 * - Automatic receive steering: the pair that the flow was last sent on; for a flow that nothing was sent of, the
 *   pair that the backend chose where it has several queues, otherwise one by the flow's hash.
 * - Receive-side scaling: by the Toeplitz hash and the indirection table.
 */
export class Steering {
  /** The hash of the frame that was looked at last. */
  readonly hash: PacketHash = new PacketHash();
  /** Transmit queues that the driver said it uses. It may use others. */
  transmitPairs = 1;
  /** The backend has several queues, so where a frame came in means something. */
  backendChooses = false;
  readonly #fields = new PacketFields();
  readonly #flows = new FlowTable();
  #receivePairs = 1;
  #rss: RssConfig | null = null;
  #hashing: HashConfig | null = null;

  /** Receive queues in use: frames go to those before this number alone. */
  get receivePairs(): number {
    return this.#receivePairs;
  }

  /** Whether transmitted frames are to be looked at. */
  get learning(): boolean {
    return this.#receivePairs > 1 && this.#rss === null;
  }

  /** Whether a received frame has to be looked at: not with one pair and no hash. */
  get active(): boolean {
    return this.#receivePairs > 1 || this.#rss !== null || this.hash.types !== 0;
  }

  /** What receive-side scaling was told last, null without it. */
  get rss(): RssConfig | null {
    return this.#rss;
  }

  /** How hashes are calculated without receive-side scaling, null before the driver said so. */
  get hashing(): HashConfig | null {
    return this.#hashing;
  }

  /** One pair, no hash. */
  reset(): void {
    this.setHash(null);
    this.setPairs(1);
  }

  /** Automatic receive steering over `pairs` pairs. */
  setPairs(pairs: number): void {
    this.#rss = null;
    this.transmitPairs = pairs;
    this.#receivePairs = pairs;
    this.#flows.clear();
    this.#configureHash();
  }

  /** Receive-side scaling. */
  setRss(config: RssConfig): void {
    this.#rss = config;
    this.transmitPairs = config.transmitPairs;
    this.#receivePairs = 1 + config.table.reduce((most, pair) => Math.max(most, pair), config.unclassified);
    this.#configureHash();
  }

  /** Hashes that are reported without receive-side scaling. */
  setHash(config: HashConfig | null): void {
    this.#hashing = config;
    this.#configureHash();
  }

  /** The guest sends a frame on pair `pair`. */
  learn(head: FrameHead, pair: number): void {
    this.#fields.parse(head);
    const flow = flowHash(this.#fields);
    if (flow >= 0) this.#flows.learn(flow, pair);
  }

  /** The hash of a frame, if one is wanted. */
  calculate(head: FrameHead): void {
    this.#fields.parse(head);
    if (this.hash.types !== 0) this.hash.calculate(this.#fields);
  }

  /** The pair that a received frame goes to. @param pair where the backend put it */
  choose(head: FrameHead, pair: number): number {
    const { hash } = this;
    this.calculate(head);
    const rss = this.#rss;
    if (rss !== null) {
      if (hash.types === 0 || hash.report === VIRTIO_NET_HASH_REPORT_NONE) return rss.unclassified;
      return rss.table[hash.value & (rss.table.length - 1)] as number;
    }
    return this.#receivePairs === 1 ? 0 : this.#automatic(pair);
  }

  #automatic(pair: number): number {
    const flow = flowHash(this.#fields);
    const known = flow < 0 ? -1 : this.#flows.find(flow);
    if (known >= 0 && known < this.#receivePairs) return known;
    if (this.backendChooses && pair < this.#receivePairs) return pair;
    return flow < 0 ? 0 : flow % this.#receivePairs;
  }

  #configureHash(): void {
    const config = this.#rss ?? this.#hashing;
    this.hash.configure(config?.types ?? 0, config?.key ?? NO_KEY);
  }
}
