import { type EthDriver, Frame } from "@vmmkit/ethif";
import { expect, it } from "vitest";
import { floodBackend } from "../src/vhost/flood-backend.ts";

/** A card whose guest posts buffers when it is told to. */
class PostingCard {
  readonly got: string[] = [];
  #posted = 0;
  readonly #memory = new Uint8Array(4);

  readonly driver = {
    callbacks: {
      allocateRxBuf: (bytes: number) => {
        if (this.#posted === 0) return null;
        this.#posted--;
        const room = new Frame();
        room.push(this.#memory, 0, bytes);
        return room;
      },
      rxComplete: (count: number, _frames: readonly Frame[], lengths: readonly number[]) => {
        for (let i = 0; i < count; i++) this.got.push(`${this.#memory} ${lengths[i]}`);
      },
    },
  } as unknown as EthDriver;

  post(count: number): void {
    this.#posted += count;
  }
}

it("a flood fills all the room that there is, and goes on when there is more", async () => {
  const card = new PostingCard();
  const flood = floodBackend(Uint8Array.of(1, 2, 3));
  flood.lowLevelInit(card.driver);
  await new Promise((resolve) => setImmediate(resolve));
  expect(card.got).toEqual([]);
  card.post(100);
  flood.rawPoll(card.driver);
  expect(card.got).toEqual(Array.from({ length: 100 }, () => "1,2,3,0 3"));
  // More than it does before others have their turn.
  card.post(2000);
  flood.rawPoll(card.driver);
  expect(card.got.length).toBeLessThan(2100);
  while (card.got.length < 2100) await new Promise((resolve) => setImmediate(resolve));
  expect(card.got).toHaveLength(2100);
});
