import { VIRTQ_DESC_F_INDIRECT, VIRTQ_DESC_F_NEXT, VIRTQ_DESC_F_WRITE } from "@vmmkit/virtio";
import type { GuestRam } from "./guest-ram.ts";
import type { RawRing } from "./raw-ring.ts";

/** A well-formed chain that is about to be broken; it is in the available ring, but not yet published. */
export interface Victim {
  readonly raw: RawRing;
  readonly ram: GuestRam;
  /** Its descriptors in the ring, in order. */
  readonly descs: readonly number[];
  /** Its indirect table, 0 where it has none. */
  readonly table: number;
  /** `VIRTQ_DESC_F_WRITE` on a receive queue, 0 on a transmit queue. */
  readonly direction: number;
  /** Index of its entry in the available ring. */
  readonly availIndex: number;
}

/** One way in which a guest can break a queue. */
export interface Corruption {
  /** What `corruptRing` knows it by. */
  readonly name: string;
  /** What is wrong with it, and where VIRTIO 1.2 says so. */
  readonly about: string;
  /**
   * `chain`: this chain alone is bad; its head is good, so a device can give it back. `ring`: the ring as a whole
   * cannot be trusted any more. `legal`: unusual, but allowed; a device must cope.
   */
  readonly scope: "chain" | "ring" | "legal";
  /** The chain is in an indirect table. */
  readonly indirect?: boolean;
  /** Lengths of the chain's buffers before it is broken. Default 12, 100 and 900. */
  readonly lengths?: readonly number[];
  /** It writes the available index itself; otherwise the chain is published when it has been broken. */
  readonly publishes?: boolean;
  /** Breaks it. */
  readonly apply: (victim: Victim) => void;
}

const ALL_ONES = 0xffff_ffff;

function desc(victim: Victim, position: number): number {
  return victim.descs[position] ?? 0;
}

function endOfMemory(victim: Victim): number {
  return victim.ram.memory.regions.at(-1)?.end ?? 0;
}

function setAddress(victim: Victim, position: number, gpa: number): void {
  const fields = { addressLow: gpa % 2 ** 32, addressHigh: Math.floor(gpa / 2 ** 32) };
  victim.raw.writeDescriptor(desc(victim, position), fields);
}

/** Sets the next descriptor behind the one at `position`. */
function link(victim: Victim, position: number, next: number): void {
  victim.raw.writeDescriptor(desc(victim, position), { flags: victim.direction | VIRTQ_DESC_F_NEXT, next });
}

const CHAINS: readonly Corruption[] = [
  {
    name: "next-beyond-ring",
    about: "next is the size of the ring (2.7.5)",
    scope: "chain",
    apply: (v) => link(v, 1, v.raw.layout.size),
  },
  { name: "next-0xffff", about: "next is 65535 (2.7.5)", scope: "chain", apply: (v) => link(v, 0, 0xffff) },
  {
    name: "self-loop",
    about: "a descriptor goes on at itself (2.7.5.2)",
    scope: "chain",
    apply: (v) => link(v, 0, desc(v, 0)),
  },
  {
    name: "cycle",
    about: "the last goes on at the first (2.7.5.2)",
    scope: "chain",
    apply: (v) => link(v, 2, desc(v, 0)),
  },
  {
    name: "cycle-behind-first",
    about: "the last goes on at the second (2.7.5.2)",
    scope: "chain",
    apply: (v) => link(v, 2, desc(v, 1)),
  },
  {
    name: "zero-length-cycle",
    about: "a loop of empty buffers, which no limit on bytes ends (2.7.5.2)",
    scope: "chain",
    lengths: [0, 0, 0],
    apply: (v) => link(v, 2, desc(v, 0)),
  },
  {
    name: "wrong-direction",
    about: "device-readable where the queue wants device-writable, or the other way round (5.1.2)",
    scope: "chain",
    apply: (v) => {
      const flipped = v.direction ^ VIRTQ_DESC_F_WRITE;
      v.raw.writeDescriptor(desc(v, 0), { flags: flipped | VIRTQ_DESC_F_NEXT });
      v.raw.writeDescriptor(desc(v, 1), { flags: flipped | VIRTQ_DESC_F_NEXT });
      v.raw.writeDescriptor(desc(v, 2), { flags: flipped });
    },
  },
  {
    name: "direction-changes",
    about: "the buffer in the middle has the other direction (2.7.4.2)",
    scope: "chain",
    apply: (v) => v.raw.writeDescriptor(desc(v, 1), { flags: (v.direction ^ VIRTQ_DESC_F_WRITE) | VIRTQ_DESC_F_NEXT }),
  },
  {
    name: "address-outside",
    about: "a buffer starts at the first byte behind memory",
    scope: "chain",
    apply: (v) => setAddress(v, 1, endOfMemory(v)),
  },
  {
    name: "address-crosses-end",
    about: "a buffer starts in memory and ends outside",
    scope: "chain",
    apply: (v) => setAddress(v, 1, endOfMemory(v) - 8),
  },
  {
    name: "address-high",
    about: "the upper half of an address is all ones",
    scope: "chain",
    apply: (v) => v.raw.writeDescriptor(desc(v, 1), { addressHigh: ALL_ONES }),
  },
  {
    name: "address-above-4g",
    about: "an address that is good but for bit 32",
    scope: "chain",
    apply: (v) => v.raw.writeDescriptor(desc(v, 1), { addressHigh: 1 }),
  },
  {
    name: "address-wraps",
    about: "address plus length passes 2^64",
    scope: "chain",
    apply: (v) => v.raw.writeDescriptor(desc(v, 1), { addressLow: ALL_ONES - 15, addressHigh: ALL_ONES }),
  },
  {
    name: "length-0xffffffff",
    about: "a buffer of 4 GiB - 1",
    scope: "chain",
    apply: (v) => v.raw.writeDescriptor(desc(v, 1), { length: ALL_ONES }),
  },
  {
    name: "lengths-overflow",
    about: "the lengths' sum passes 2^32 (2.7.5.2)",
    scope: "chain",
    apply: (v) => {
      v.raw.writeDescriptor(desc(v, 1), { length: 0x8000_0000 });
      v.raw.writeDescriptor(desc(v, 2), { length: 0x8000_0000 });
    },
  },
  {
    name: "all-zero-length",
    about: "three buffers without a byte: no room for the header",
    scope: "chain",
    lengths: [0, 0, 0],
    apply: () => {},
  },
  {
    name: "shorter-than-header",
    about: "four bytes in all: no room for the header",
    scope: "chain",
    lengths: [4],
    apply: () => {},
  },
];

const LEGAL: readonly Corruption[] = [
  {
    name: "zero-length-middle",
    about: "an empty buffer among others",
    scope: "legal",
    lengths: [12, 0, 900],
    apply: () => {},
  },
  {
    name: "single-bytes",
    about: "every byte in a descriptor of its own",
    scope: "legal",
    lengths: new Array<number>(40).fill(1),
    apply: () => {},
  },
  {
    name: "next-without-flag",
    about: "next is set, but the flag is not: the chain ends (2.7.5)",
    scope: "legal",
    apply: (v) => v.raw.writeDescriptor(desc(v, 2), { flags: v.direction, next: desc(v, 1) }),
  },
  {
    name: "unknown-flags",
    about: "reserved bits of flags are set",
    scope: "legal",
    apply: (v) => v.raw.writeDescriptor(desc(v, 2), { flags: v.direction | 0xfff8 }),
  },
  {
    name: "indirect-write-flag",
    about: "the descriptor of a table is device-writable, which a device must ignore (2.7.5.3.2)",
    scope: "legal",
    indirect: true,
    apply: (v) => v.raw.writeDescriptor(desc(v, 0), { flags: VIRTQ_DESC_F_INDIRECT | VIRTQ_DESC_F_WRITE }),
  },
];

const TABLES: readonly Corruption[] = [
  {
    name: "indirect-nested",
    about: "a table in a table (2.7.5.3.1)",
    scope: "chain",
    indirect: true,
    apply: (v) => v.raw.writeDescriptor(1, { flags: VIRTQ_DESC_F_INDIRECT, length: 16 }, v.table),
  },
  {
    name: "indirect-self",
    about: "a table whose first entry refers to the table (2.7.5.3.1)",
    scope: "chain",
    indirect: true,
    apply: (v) => {
      const fields = { addressLow: v.table % 2 ** 32, addressHigh: Math.floor(v.table / 2 ** 32) };
      v.raw.writeDescriptor(0, { ...fields, length: 48, flags: VIRTQ_DESC_F_INDIRECT }, v.table);
    },
  },
  {
    name: "indirect-and-next",
    about: "INDIRECT and NEXT together (2.7.5.3.1)",
    scope: "chain",
    indirect: true,
    apply: (v) =>
      v.raw.writeDescriptor(desc(v, 0), { flags: VIRTQ_DESC_F_INDIRECT | VIRTQ_DESC_F_NEXT, next: desc(v, 0) }),
  },
  {
    name: "indirect-length-0",
    about: "an empty table (2.7.5.3)",
    scope: "chain",
    indirect: true,
    apply: (v) => v.raw.writeDescriptor(desc(v, 0), { length: 0 }),
  },
  {
    name: "indirect-length-odd",
    about: "a table that is no multiple of 16 bytes (2.7.5.3)",
    scope: "chain",
    indirect: true,
    apply: (v) => v.raw.writeDescriptor(desc(v, 0), { length: 47 }),
  },
  {
    name: "indirect-length-huge",
    about: "a table of nearly 4 GiB (2.7.5.3)",
    scope: "chain",
    indirect: true,
    apply: (v) => v.raw.writeDescriptor(desc(v, 0), { length: 0xffff_fff0 }),
  },
  {
    name: "indirect-outside",
    about: "a table behind the end of memory",
    scope: "chain",
    indirect: true,
    apply: (v) => setAddress(v, 0, endOfMemory(v)),
  },
  {
    name: "indirect-crosses-end",
    about: "a table that memory ends in",
    scope: "chain",
    indirect: true,
    apply: (v) => setAddress(v, 0, endOfMemory(v) - 16),
  },
  {
    name: "indirect-next-beyond-table",
    about: "next in a table is the table's length (2.7.5.3)",
    scope: "chain",
    indirect: true,
    apply: (v) => v.raw.writeDescriptor(1, { next: 3 }, v.table),
  },
  {
    name: "indirect-cycle",
    about: "a loop within a table (2.7.5.2)",
    scope: "chain",
    indirect: true,
    apply: (v) => v.raw.writeDescriptor(2, { flags: v.direction | VIRTQ_DESC_F_NEXT, next: 0 }, v.table),
  },
];

const RINGS: readonly Corruption[] = [
  {
    name: "head-beyond-ring",
    about: "an entry of the available ring is the size of the ring (2.7.6)",
    scope: "ring",
    apply: (v) => v.raw.writeAvail(v.availIndex, v.raw.layout.size),
  },
  {
    name: "head-0xffff",
    about: "an entry of the available ring is 65535 (2.7.6)",
    scope: "ring",
    apply: (v) => v.raw.writeAvail(v.availIndex, 0xffff),
  },
  {
    name: "avail-idx-jump",
    about: "the available index is more than the ring's size ahead (2.7.6)",
    scope: "ring",
    publishes: true,
    apply: (v) => v.raw.writeAvailIdx(v.availIndex + v.raw.layout.size + 2),
  },
  {
    name: "avail-idx-half",
    about: "the available index is 32768 ahead (2.7.6)",
    scope: "ring",
    publishes: true,
    apply: (v) => v.raw.writeAvailIdx(v.availIndex + 0x8001),
  },
  {
    name: "avail-idx-back",
    about: "the available index goes backwards (2.7.6.1)",
    scope: "ring",
    publishes: true,
    apply: (v) => v.raw.writeAvailIdx(v.availIndex - 1),
  },
  {
    name: "head-twice",
    about: "the same chain is made available twice (2.7.13.1)",
    scope: "ring",
    publishes: true,
    apply: (v) => {
      v.raw.writeAvail(v.availIndex + 1, desc(v, 0));
      v.raw.writeAvailIdx(v.availIndex + 2);
    },
  },
  {
    name: "buffer-is-desc-table",
    about: "a buffer lies over the descriptor table",
    scope: "ring",
    apply: (v) => setAddress(v, 1, v.raw.layout.descTable),
  },
  {
    name: "buffer-is-used-ring",
    about: "a buffer lies over the used ring",
    scope: "ring",
    apply: (v) => setAddress(v, 1, v.raw.layout.usedRing),
  },
];

/** All of them. */
export const CORRUPTIONS: readonly Corruption[] = [...CHAINS, ...LEGAL, ...TABLES, ...RINGS];
