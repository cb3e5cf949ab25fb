import { VIRTQ_DESC_F_NEXT, VIRTQ_DESC_F_WRITE } from "@vmmkit/virtio";
import { CORRUPTIONS, type Corruption } from "./corruptions.ts";
import { RingError } from "./errors.ts";
import { GUEST_PAGE_BYTES, type GuestRam } from "./guest-ram.ts";
import { randomBelow } from "./random.ts";
import type { SplitRing } from "./split-ring.ts";

const DEFAULT_LENGTHS: readonly number[] = [12, 100, 900];
/** Values that are at the edge of something. */
const EDGES: readonly number[] = [0, 1, 2, 15, 16, 0x7fff, 0x8000, 0xffff, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff];

/** A queue to be broken. */
export interface HostileTarget {
  readonly ram: GuestRam;
  readonly ring: SplitRing;
  /** The queue wants device-writable buffers: it is a receive queue. */
  readonly writable: boolean;
  /** A page for the buffers of broken chains; all of them use the same. */
  readonly page: number;
}

/** Takes a page for the buffers of broken chains. */
export function hostileTarget(ram: GuestRam, ring: SplitRing, writable: boolean): HostileTarget {
  return { ram, ring, writable, page: ram.alloc(GUEST_PAGE_BYTES) };
}

/**
 * Adds a chain that is broken in the named way and publishes it. Whoever calls it notifies the device. The ring's
 * own books stay good: a device that gives the chain back is taken at its word by `popUsed`, except after
 * corruptions of scope `ring`, after which only a reset helps.
 * @param corruption one of `CORRUPTIONS`, or its name
 * @returns the head of the chain
 * @throws RingError for an unknown name, a ring without room, or without the indirect tables that it takes
 */
export function corruptRing(target: HostileTarget, corruption: Corruption | string): number {
  const chosen = typeof corruption === "string" ? byName(corruption) : corruption;
  const { ring, ram } = target;
  const lengths = chosen.lengths ?? DEFAULT_LENGTHS;
  const indirect = chosen.indirect === true;
  const availIndex = ring.availIdx;
  const head = addVictim(target, lengths, indirect);
  const descs = descriptorsOf(ring, head);
  const table = indirect ? ring.table.indirectTables + head * ring.table.indirectEntries * 16 : 0;
  const direction = target.writable ? VIRTQ_DESC_F_WRITE : 0;
  chosen.apply({ raw: ring.raw, ram, descs, table, direction, availIndex });
  if (chosen.publishes !== true) ring.publish();
  return head;
}

/**
 * Overwrites fields of the ring that is in use with values at random, half of them at the edge of something.
 * @param random from 0 up to 1: `seededRandom` makes the run repeatable
 * @param writes how many fields
 */
export function scribbleRing(target: HostileTarget, random: () => number, writes: number): void {
  const { raw } = target.ring;
  const edge = (): number => EDGES[randomBelow(random, EDGES.length)] ?? 0;
  const value = (): number => (random() < 0.5 ? edge() : randomBelow(random, 2 ** 32));
  const slot = (): number => randomBelow(random, raw.layout.size);
  const ways = [
    () => raw.writeDescriptor(slot(), { addressLow: value() }),
    () => raw.writeDescriptor(slot(), { addressHigh: value() }),
    () => raw.writeDescriptor(slot(), { length: value() }),
    () => raw.writeDescriptor(slot(), { flags: randomBelow(random, 8) }),
    () => raw.writeDescriptor(slot(), { flags: value() }),
    () => raw.writeDescriptor(slot(), { next: slot() }),
    () => raw.writeDescriptor(slot(), { next: value() }),
    () => raw.writeAvail(slot(), slot()),
    () => raw.writeAvail(slot(), value()),
    () => raw.writeAvailIdx(raw.availIdx + slot()),
    () => raw.writeAvailIdx(value()),
    () => raw.writeUsedEvent(value()),
    () => raw.writeUsed(slot(), { id: value(), length: value() }),
    () => raw.writeUsedIdx(value()),
  ];
  for (let i = 0; i < writes; i++) ways[randomBelow(random, ways.length)]?.();
}

function byName(name: string): Corruption {
  const found = CORRUPTIONS.find((corruption) => corruption.name === name);
  if (found === undefined) throw new RingError(`"corruption" expected a name from CORRUPTIONS, got "${name}"`);
  return found;
}

/** A chain of good buffers, none of them touching another. */
function addVictim(target: HostileTarget, lengths: readonly number[], indirect: boolean): number {
  const { ring, writable } = target;
  if (ring.freeCount < (indirect ? 1 : lengths.length)) throw new RingError("no room in the ring for a broken chain");
  let gpa = target.page;
  ring.begin();
  if (indirect) ring.indirect();
  for (const length of lengths) {
    if (writable) ring.writable(gpa, length);
    else ring.readable(gpa, length);
    gpa += length + 16;
  }
  return ring.end();
}

function descriptorsOf(ring: SplitRing, head: number): number[] {
  const found = [head];
  for (let at = ring.raw.readDescriptor(head); (at.flags & VIRTQ_DESC_F_NEXT) !== 0; ) {
    found.push(at.next);
    at = ring.raw.readDescriptor(at.next);
  }
  return found;
}
