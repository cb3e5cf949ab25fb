import fc from "fast-check";
import { INDIRECT, NEXT, WRITE } from "./raw-ring.ts";

/** Where a guest's buffer or table is said to be. The test turns names into addresses. */
export type Place =
  | "data"
  | "table"
  | "other table"
  | "end"
  | "border"
  | "rom"
  | "high"
  | "rings"
  | "nowhere"
  | "2^53"
  | "2^64";

const PLACES: readonly Place[] = [
  "data",
  "data",
  "data",
  "table",
  "table",
  "other table",
  "end",
  "border",
  "rom",
  "high",
  "rings",
  "nowhere",
  "2^53",
  "2^64",
];

/** What a guest may do at any time, sensible or not. */
export type GuestAction =
  | {
      readonly kind: "descriptor";
      readonly where: "ring" | "table" | "other table";
      readonly index: number;
      readonly place: Place;
      readonly offset: number;
      readonly len: number;
      readonly flags: number;
      readonly next: number;
    }
  /** Chains are made available, as far as there is room for them. */
  | { readonly kind: "offer"; readonly heads: readonly number[] }
  | { readonly kind: "available index"; readonly change: number }
  | { readonly kind: "available entry"; readonly index: number; readonly head: number }
  | { readonly kind: "available flags" | "used event"; readonly value: number }
  | { readonly kind: "scribble"; readonly offset: number; readonly value: number }
  | { readonly kind: "plug" | "unplug" | "lose the rings" | "reset" | "start" };

/** What a device does. `against`: it takes the chain for one of the other direction. */
export type DeviceAction =
  | { readonly kind: "pop"; readonly against: boolean; readonly headBytes: number }
  | { readonly kind: "walk"; readonly which: number; readonly against: boolean; readonly headBytes: number }
  | { readonly kind: "use"; readonly which: number; readonly length: number }
  | { readonly kind: "available" }
  | { readonly kind: "publish" }
  | { readonly kind: "interrupt?" }
  | { readonly kind: "enable" }
  | { readonly kind: "disable" };

export type QueueAction = GuestAction | DeviceAction;

const u16 = fc.integer({ min: 0, max: 0xffff });
const u32 = fc.integer({ min: 0, max: 0xffff_ffff });

/** With WRITE where the descriptor points against the direction of the run. */
const flags = fc.oneof(
  { weight: 14, arbitrary: fc.constantFrom(0, NEXT, NEXT) },
  { weight: 7, arbitrary: fc.constantFrom(INDIRECT, INDIRECT, INDIRECT | WRITE) },
  { weight: 1, arbitrary: fc.constantFrom(WRITE, WRITE | NEXT, INDIRECT | NEXT) },
  { weight: 1, arbitrary: u16 },
);

const len = fc.oneof(
  { weight: 12, arbitrary: fc.constantFrom(0, 1, 4, 16, 32, 48, 64, 100) },
  { weight: 1, arbitrary: fc.constantFrom(0x7fff_ffff, 0xffff_fff0, 0xffff_ffff) },
  { weight: 1, arbitrary: u32 },
);

/** Any action on a queue of `size` entries. */
export function anyAction(size: number): fc.Arbitrary<QueueAction> {
  // One beyond the end, now and then.
  const index = fc.oneof({ weight: 30, arbitrary: fc.nat(size - 1) }, { weight: 1, arbitrary: fc.constant(size) });
  const descriptor = fc.record({
    kind: fc.constant("descriptor" as const),
    where: fc.constantFrom("ring" as const, "ring" as const, "table" as const, "other table" as const),
    index: fc.nat(size - 1),
    place: fc.constantFrom(...PLACES),
    offset: fc.oneof(
      { weight: 3, arbitrary: fc.constant(0) },
      { weight: 1, arbitrary: fc.integer({ min: -20, max: 20 }) },
    ),
    len,
    flags,
    next: fc.oneof({ weight: 9, arbitrary: index }, { weight: 1, arbitrary: u16 }),
  });
  const offer = fc.record({
    kind: fc.constant("offer" as const),
    heads: fc.array(index, { minLength: 1, maxLength: Math.max(1, Math.min(3, size)) }),
  });
  const hostile = fc.oneof(
    fc.record({ kind: fc.constant("available index" as const), change: fc.integer({ min: -3, max: 70000 }) }),
    fc.record({ kind: fc.constant("available entry" as const), index: u16, head: index }),
    fc.record({ kind: fc.constant("scribble" as const), offset: fc.nat(4 + 8 * size), value: fc.nat(255) }),
    fc.record({ kind: fc.constantFrom("plug", "unplug", "lose the rings", "reset") }),
  );
  const settings = fc.oneof(
    fc.record({ kind: fc.constantFrom("available flags" as const, "used event" as const), value: u16 }),
    fc.record({ kind: fc.constant("used event" as const), value: fc.nat(2 * size) }),
    fc.record({ kind: fc.constant("available flags" as const), value: fc.nat(1) }),
    fc.record({ kind: fc.constant("start" as const) }),
  );
  const headBytes = fc.constantFrom(0, 0, 1, 10, 12, 70);
  const against = fc.oneof({ weight: 15, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) });
  const device = fc.oneof(
    { weight: 6, arbitrary: fc.record({ kind: fc.constant("pop" as const), against, headBytes }) },
    {
      weight: 1,
      arbitrary: fc.record({
        kind: fc.constant("walk" as const),
        which: fc.nat(20),
        against,
        headBytes,
      }),
    },
    { weight: 4, arbitrary: fc.record({ kind: fc.constant("use" as const), which: fc.nat(20), length: u32 }) },
    {
      weight: 2,
      arbitrary: fc.record({ kind: fc.constantFrom("publish", "interrupt?", "enable", "disable", "available") }),
    },
  );
  return fc.oneof(
    { weight: 8, arbitrary: descriptor },
    { weight: 6, arbitrary: offer },
    { weight: 1, arbitrary: hostile },
    { weight: 2, arbitrary: settings },
    { weight: 16, arbitrary: device },
  );
}
