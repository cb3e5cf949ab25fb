import type { Backend, LinkInfo } from "@vmmkit/ethif";
import { frameNumber, TestCard, testFrame } from "@vmmkit/ethif-compliance";

/** A station for tests: a card with room, and frames by number. */
export class Station {
  readonly card: TestCard;
  readonly link: LinkInfo;

  /** @param rooms buffers of 1600 bytes that the guest posts */
  constructor(backend: Backend, rooms = 64, memoryBytes = 1 << 20) {
    this.card = new TestCard(backend, { memoryBytes });
    this.link = this.card.init();
    if (rooms > 0) this.card.post(rooms, [1600]);
  }

  /** Sends a frame and flushes. `to` and `from` are addresses; `from` is this card's by default. */
  send(number: number, to: Uint8Array, from: Uint8Array = this.link.mac, size = 60): number {
    const result = this.card.transmit(testFrame({ to, from, size, number }));
    this.card.flush();
    return result;
  }

  /** The numbers of the frames that arrived since this was asked last. */
  arrived(): number[] {
    return this.card.received.splice(0).map(frameNumber);
  }
}

/** The address of all stations. */
export const BROADCAST: Uint8Array = new Uint8Array(6).fill(0xff);
