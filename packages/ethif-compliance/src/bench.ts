import { type Backend, type LinkInfo, type MacAddress, parseMac, TxResult } from "@vmmkit/ethif";
import { ComplianceError, expectThat } from "./compliance-error.ts";
import { nextTurn, until, within } from "./deadline.ts";
import type { BackendUnderTest, Peer, TestBackendOptions, Topology } from "./options.ts";
import { TestCard, type TestCardOptions } from "./test-card.ts";
import { expectSameFrame, frameNumber, testFrame } from "./test-frames.ts";

/** Frames that a guest's transmit ring holds. */
export const RING_FRAMES = 256;

/** Room for any frame of a usual Ethernet link. */
export const FULL_ROOM = 1600;

/** A frame in one direction, for tests that do the same both ways. */
export type Direction = "to the peer" | "to the card";

/** Both directions. */
export const DIRECTIONS: readonly Direction[] = ["to the peer", "to the card"];

/** What a check works with: a backend, a card on its near end, a peer on its far end. */
export class Bench {
  readonly backend: Backend;
  readonly topology: Topology;
  readonly deadlineMs: number;
  /** Frames that the backend keeps while the guest has no room. */
  readonly keeps: number;
  readonly made: BackendUnderTest;
  /** What the card knows about its link. */
  link: LinkInfo;
  /** The near end. */
  card: TestCard;
  readonly #peerMac: MacAddress;
  #number = 0;

  /** @param cardOptions how the card on the near end is to be */
  constructor(made: BackendUnderTest, options: TestBackendOptions, cardOptions: TestCardOptions = {}) {
    this.made = made;
    this.backend = made.backend;
    this.topology = options.topology ?? "wire";
    this.deadlineMs = options.deadlineMs ?? 5000;
    this.keeps = options.keeps ?? 16;
    this.#peerMac = options.peerMac ?? parseMac("02:00:00:00:00:fe");
    this.card = new TestCard(made.backend, { ...cardOptions, noise: this.topology === "wire" });
    this.link = this.card.init();
  }

  /** The far end; for an echo the card itself. */
  get peer(): Peer {
    if (this.topology === "echo") return { send: (frame) => this.transmit(frame), receive: () => this.cardReceives() };
    if (this.made.peer === undefined) throw new TypeError('"setup" expected to make a "peer" for the topology "wire"');
    return this.made.peer;
  }

  /** The longest untagged frame of this link. */
  get longest(): number {
    return this.link.mtu + 14;
  }

  /** Frames thrown away so far. */
  get dropped(): number {
    return this.made.dropped?.() ?? 0;
  }

  /** A new frame with a number of its own. A frame longer than an untagged one may be gets a VLAN tag. */
  frame(size: number, direction: Direction = "to the peer"): Uint8Array {
    const mac = this.link.mac;
    const [from, to] = direction === "to the peer" ? [mac, this.#peerMac] : [this.#peerMac, mac];
    return testFrame({ to, from, size, number: this.#number++, tagged: size > this.longest });
  }

  /** The card sends a frame that has to be taken, and flushes. */
  transmit(frame: Uint8Array, rangeLengths: readonly number[] = []): void {
    const result = this.card.transmit(frame, rangeLengths);
    this.card.flush();
    expectThat(
      result !== TxResult.Failed,
      `rawTx answered Failed to frame ${frameNumber(frame)} of ${frame.length} bytes`,
    );
  }

  /** Sends a frame in a direction. */
  async send(frame: Uint8Array, direction: Direction): Promise<void> {
    if (direction === "to the peer") this.transmit(frame);
    else await this.peer.send(frame);
  }

  /** The next frame that arrives in a direction. */
  async receive(direction: Direction): Promise<Uint8Array> {
    return direction === "to the peer" ? this.peerReceives() : this.cardReceives();
  }

  /** The next frame at the far end. */
  async peerReceives(): Promise<Uint8Array> {
    return within(this.peer.receive(), this.deadlineMs, "a frame from the card did not reach the peer");
  }

  /** The next frame that the guest receives. */
  async cardReceives(): Promise<Uint8Array> {
    await this.until(
      () => this.card.received.length > 0,
      () => "a frame did not reach the card",
    );
    return this.card.received.shift() ?? new Uint8Array(0);
  }

  /** Sends a frame and expects it at the other end, whole. */
  async expectCarried(frame: Uint8Array, direction: Direction): Promise<void> {
    await this.send(frame, direction);
    expectSameFrame(await this.receive(direction), frame);
  }

  /** Expects the next frames at the card to be these. */
  async expectAtCard(frames: readonly Uint8Array[]): Promise<void> {
    for (const frame of frames) expectSameFrame(await this.cardReceives(), frame);
  }

  /** Waits for a condition. */
  async until(condition: () => boolean, what: () => string): Promise<void> {
    await until(condition, this.deadlineMs, what);
  }

  /** Waits until the backend has given back every frame it was lent. */
  async untilNoneLent(): Promise<void> {
    await this.until(
      () => this.card.lent === 0,
      () => `${this.card.lent} frames answered Enqueued were never completed`,
    );
  }

  /**
   * Sends new frames to the card until one arrives, whatever was lost before it.
   * @returns the frames that arrived before, and that one last
   */
  async untilCardReceives(size = 60): Promise<Uint8Array[]> {
    const first = this.#number;
    const arrived: Uint8Array[] = [];
    const end = Date.now() + this.deadlineMs;
    for (;;) {
      await this.tryToSendToCard(this.frame(size, "to the card"));
      await nextTurn();
      for (let frame = this.card.received.shift(); frame !== undefined; frame = this.card.received.shift()) {
        arrived.push(frame);
        if (frameNumber(frame) >= first) return arrived;
      }
      if (Date.now() > end)
        throw new ComplianceError(`no frame reached the card any more: stuck for ${this.deadlineMs} ms`);
    }
  }

  /** Sends a frame towards the card that may be dropped. */
  async tryToSendToCard(frame: Uint8Array): Promise<void> {
    if (this.topology === "wire") await this.peer.send(frame);
    else {
      this.card.transmit(frame);
      this.card.flush();
    }
  }

  /** Closes the backend; after that it may call nothing. */
  async close(): Promise<void> {
    await within(this.backend.close(), this.deadlineMs, "close did not come to an end");
    this.card.closed = true;
  }
}
