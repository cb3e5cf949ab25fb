import { expectThat } from "./compliance-error.ts";
import { expectSameFrame, frameNumber } from "./test-frames.ts";

/** Frames sent in one direction, and which of them arrived: some may be missing, none may be twice or out of order. */
export class Ledger {
  readonly #sent = new Map<number, Uint8Array>();
  #last = -1;
  #arrived = 0;

  /** How many frames have not arrived. */
  get missing(): number {
    return this.#sent.size - this.#arrived;
  }

  /** How many frames arrived. */
  get arrived(): number {
    return this.#arrived;
  }

  /** A frame is about to be sent. */
  add(frame: Uint8Array): void {
    this.#sent.set(frameNumber(frame), frame);
  }

  /** Whether a frame is one of those sent. */
  has(frame: Uint8Array): boolean {
    return this.#sent.has(frameNumber(frame));
  }

  /** A frame arrived. @throws ComplianceError where it is none of those, another came after it, or its bytes differ */
  take(frame: Uint8Array): void {
    const number = frameNumber(frame);
    const sent = this.#sent.get(number);
    expectThat(sent !== undefined, `frame ${number} arrived, and nobody sent it`);
    expectThat(number > this.#last, `frame ${number} arrived twice, or behind one that was sent after it`);
    expectSameFrame(frame, sent);
    this.#last = number;
    this.#arrived++;
  }
}
