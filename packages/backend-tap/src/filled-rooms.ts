import type { EthDriver, Frame } from "@vmmkit/ethif";

/** Rooms of the guest's that were asked for, with what was read into them, until the guest is given them. */
export class FilledRooms {
  /** How many there are, empty ones that go back included. */
  count = 0;
  /** Bytes in them. */
  bytes = 0;
  readonly #rooms: Frame[] = [];
  readonly #lengths: number[] = [];

  /** @param bytes how many are in the room; 0 where it goes back as it is */
  add(room: Frame, bytes: number): void {
    this.#rooms[this.count] = room;
    this.#lengths[this.count] = bytes;
    this.count++;
    this.bytes += bytes;
  }

  /** Gives all of them to the guest. */
  give({ callbacks }: EthDriver): void {
    const { count } = this;
    if (count === 0) return;
    // A card that was reset meanwhile emptied the rooms: there is nothing in them to give.
    for (let i = 0; i < count; i++) {
      if ((this.#rooms[i]?.totalBytes ?? 0) < (this.#lengths[i] ?? 0)) this.#lengths[i] = 0;
    }
    this.count = 0;
    this.bytes = 0;
    callbacks.rxComplete(count, this.#rooms, this.#lengths);
  }
}
