import { isTestFrame, nextTurn, type Peer } from "@vmmkit/ethif-compliance";
import { type ByteSink, CaptureReader, type CaptureWriter, pcapWriter } from "../../src/index.ts";
import { Section } from "./hand-made.ts";
import { PieceQueue } from "./piece-queue.ts";

/**
 * A far end whose wire is two captures that are still being written: one goes into a replay, and the replay writes
 * what its card sends into the other.
 */
export class CaptureWire implements Peer {
  readonly source: PieceQueue = new PieceQueue();
  readonly sent: CaptureWriter;
  readonly #reader: CaptureReader = new CaptureReader();
  readonly #arrived: Uint8Array[] = [];

  constructor() {
    this.source.push(new Section().interface([[9, Uint8Array.of(9)]]).done());
    const sink: ByteSink = { write: (bytes) => this.#take(bytes.slice()), close: () => {} };
    this.sent = pcapWriter({ sink });
  }

  send(frame: Uint8Array): void {
    const section = new Section().frame({ data: frame });
    this.source.push(section.done().subarray(28));
  }

  async receive(): Promise<Uint8Array> {
    for (;;) {
      const frame = this.#arrived.shift();
      if (frame !== undefined) return frame;
      await this.sent.flush();
      await nextTurn();
    }
  }

  #take(bytes: Uint8Array): void {
    this.#reader.push(bytes);
    for (let frame = this.#reader.next(); frame !== null; frame = this.#reader.next()) {
      if (isTestFrame(frame.bytes)) this.#arrived.push(frame.bytes.slice());
    }
  }
}
