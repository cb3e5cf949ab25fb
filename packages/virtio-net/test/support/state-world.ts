import { TxResult } from "@vmmkit/ethif";
import type { MemoryRegion } from "@vmmkit/vm";
import fc from "fast-check";
import { expect } from "vitest";
import { travel } from "./moved-rig.ts";
import { makeRig, type Rig, testFrame } from "./rig.ts";

const RAM_BYTES = 1 << 20;
const ROM_BYTES = 0x1000;
/** What is behind memory in its buffer: nobody's. */
const GUARD_BYTES = 0x1_0000;
const FILL = 0x5a;

type Junk =
  | { readonly do: "put"; readonly value: unknown }
  | { readonly do: "add"; readonly amount: number }
  | { readonly do: "delete" };

/** A change of a state: where, as a choice among the fields of each level, and what. */
export interface Mutation {
  readonly path: readonly number[];
  readonly junk: Junk;
}

const VALUES: readonly unknown[] = [
  ...[null, undefined, true, false, "", "packed", [], {}, [0], Number.NaN, Number.POSITIVE_INFINITY],
  ...[-1, 0, 1, 1.5, 3, 0x7fff, 0x8000, 0xffff, 0x1_0000, RAM_BYTES - 16, RAM_BYTES, 0xffff_ffff, 2 ** 32, 2 ** 53],
];

const JUNK: fc.Arbitrary<Junk> = fc.oneof(
  fc.record({ do: fc.constant("put" as const), value: fc.constantFrom(...VALUES) }),
  fc.record({ do: fc.constant("put" as const), value: fc.nat(RAM_BYTES) }),
  fc.record({ do: fc.constant("add" as const), amount: fc.constantFrom(-4096, -16, -1, 1, 2, 16, 4096, 0x8000) }),
  fc.constant({ do: "delete" as const }),
);

/** One to four changes. */
export const mutations: fc.Arbitrary<readonly Mutation[]> = fc.array(
  fc.record({ path: fc.array(fc.nat(0xffff), { minLength: 1, maxLength: 7 }), junk: JUNK }),
  { minLength: 1, maxLength: 4 },
);

type Node = Record<string, unknown>;

function mutate(root: unknown, { path, junk }: Mutation): void {
  let node = root as Node;
  for (const [depth, step] of path.entries()) {
    const keys = Object.keys(node);
    const key = keys[step % keys.length];
    if (key === undefined) return;
    const value = node[key];
    if (depth < path.length - 1 && typeof value === "object" && value !== null) {
      node = value as Node;
      continue;
    }
    if (junk.do === "delete") delete node[key];
    else node[key] = junk.do === "put" ? junk.value : Number(value) + junk.amount;
    return;
  }
}

/** A card in use, and somebody who gives it states that were tampered with. */
export class StateWorld {
  readonly #rig: Rig;
  readonly #good: string;
  readonly #rom: MemoryRegion;
  readonly #bytes: Uint8Array;

  constructor(ring: "split" | "packed", inOrder: boolean) {
    const buffer = new ArrayBuffer(RAM_BYTES + ROM_BYTES + GUARD_BYTES);
    this.#bytes = new Uint8Array(buffer, RAM_BYTES).fill(FILL);
    const rig = makeRig({
      transport: "msix",
      machine: { buffer, memoryBytes: RAM_BYTES },
      card: { rxQueueSize: 16, txQueueSize: 16, queuePairs: 2 },
      guest: { ring, inOrder, tx: { bufferBytes: 256 } },
    });
    const rom = { gpa: RAM_BYTES, size: ROM_BYTES, buffer, byteOffset: RAM_BYTES, writable: false };
    this.#rom = rig.machine.vm.memory.addRegion(rom);
    this.#rig = rig;
    this.#useIt();
    this.#good = JSON.stringify(rig.card.save());
  }

  /** Tampers with a good state and restores it. @returns whether the card took it; where it did not, it is as before */
  restoreMutated(all: readonly Mutation[]): boolean {
    const { card } = this.#rig;
    const state = JSON.parse(this.#good) as unknown;
    for (const one of all) mutate(state, one);
    const before = travel(card.save());
    try {
      card.restore(state);
    } catch (error) {
      if (!(error instanceof RangeError || error instanceof TypeError)) throw error;
      expect(error.message).toMatch(/^"/);
      expect(travel(card.save())).toEqual(before);
      return false;
    }
    this.#poke();
    // Whatever came of it can be carried on.
    card.prepare(travel(card.save()));
    if (this.#bytes.some((byte) => byte !== FILL)) throw new Error("bytes beyond RAM were written");
    expect(this.#rom.bytes[0]).toBe(FILL);
    return true;
  }

  /** Chains that are used out of order, and some that are out. */
  #useIt(): void {
    const { driver, backend, machine } = this.#rig;
    backend.answer = () => (backend.transmits % 2 === 0 ? TxResult.Enqueued : TxResult.Complete);
    for (let i = 0; i < 20; i++) {
      driver.send(testFrame(60 + i, i));
      if (i % 5 === 4) backend.finish(backend.kept.length - 1);
      backend.deliver(testFrame(70, i));
      if (i % 6 === 5) backend.allocate(100);
      machine.settle();
      driver.receiveAll();
    }
  }

  #poke(): void {
    const { card, backend } = this.#rig;
    backend.kept.length = 0;
    backend.sent.length = 0;
    for (let queue = 0; queue < 6; queue++) card.emul.notify(queue);
    for (const size of [60, 1514]) backend.deliver(testFrame(size, size));
    while (backend.kept.length > 0) backend.finish();
    card.poll();
  }
}
