import { GUEST_NET_FEATURES, GuestNetDriver, type GuestNetOptions, GuestRam } from "@vmmkit/guest-driver";
import type { Fd } from "@vmmkit/posix";
import { VIRTIO_F_VERSION_1 } from "@vmmkit/virtio";
import { GuestMemory } from "@vmmkit/vm";
import { describe, expect, it } from "vitest";
import { longs, words } from "./support/front-end.ts";
import { guestMemory, MEMORY, memoryTable, region, serve } from "./support/rig.ts";
import { frameNumber, numbered, SlowCarrier } from "./support/slow-carrier.ts";
import { VhostTransport } from "./support/vhost-transport.ts";

/*
 * Back-ends are killed in the middle of traffic, one after the other, and a model says what has to come of it. One that is
 * killed is one that nobody gives a turn any more. What it leaves is in guest memory and on record.
 */

const SIZE = 32;
const [GET_INFLIGHT_FD, SET_INFLIGHT_FD] = [31, 32];
const features = [...GUEST_NET_FEATURES, VIRTIO_F_VERSION_1];
const CHAINS: GuestNetOptions = {
  indirect: "never",
  tx: { headerApart: true, pieceBytes: 40 },
  rx: { headerApart: true },
};

const KINDS: readonly (readonly [name: string, options: GuestNetOptions, base: number | "used", inOrder: boolean])[] = [
  ["split", { features }, "used", false],
  ["split, chains", { features, ...CHAINS }, "used", false],
  ["split, in order", { features, inOrder: true }, "used", true],
  ["packed", { features, ring: "packed" }, 0x8000_8000, false],
  ["packed, chains", { features, ring: "packed", ...CHAINS }, 0x8000_8000, false],
  ["packed, in order", { features, ring: "packed", inOrder: true, ...CHAINS }, 0x8000_8000, true],
];

/** Numbers that look random, the same ones each time. */
function randomNumbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state * 48_271) % 0x7fff_ffff;
    return state % below;
  };
}

/** A back-end that never ran before. */
function newBackend(memory: Fd, packed: boolean, record: { readonly fd: Fd; readonly sizeBytes: number } | null) {
  const carrier = new SlowCarrier();
  const { connect } = serve({}, carrier.funcs);
  const frontEnd = connect();
  frontEnd.agree();
  frontEnd.tell(5, memoryTable(region()), [memory]);
  const describe = (bytes: number): Uint8Array =>
    Uint8Array.from([...longs(bytes, 0), ...words(2 + SIZE * 0x1_0000, 0)]);
  if (record !== null) {
    frontEnd.order(SET_INFLIGHT_FD, describe(record.sizeBytes), [record.fd]);
    return { carrier, frontEnd, record };
  }
  // Which kind of rings it will be has to be said before.
  frontEnd.tell(2, words(0, packed ? 5 : 1));
  const { answer, fds } = frontEnd.askForFd(GET_INFLIGHT_FD, describe(0));
  const [fd] = fds;
  if (fd === undefined) throw new Error("no memory came");
  const sizeBytes = answer.getUint32(0, true);
  expect(frontEnd.order(SET_INFLIGHT_FD, describe(sizeBytes), [fd])).toBe(true);
  return { carrier, frontEnd, record: { fd, sizeBytes } };
}

describe.each(KINDS)("%s: killed again and again", (_name, options, base, inOrder) => {
  it.each([1, 2, 3, 4])("each frame is carried once, and each buffer comes back once (%i)", (seed) => {
    const random = randomNumbers(seed);
    const { fd: memory, buffer } = guestMemory();
    let now = newBackend(memory, options.ring === "packed", null);
    const ram = new GuestRam(new GuestMemory([{ gpa: MEMORY.gpa, size: MEMORY.bytes, buffer }]), MEMORY.gpa);
    const transport = new VhostTransport(now.frontEnd, { size: SIZE });
    const driver = new GuestNetDriver(transport, ram, options);
    driver.start();

    const carried: number[] = [];
    const sent: number[] = [];
    const received: number[] = [];
    const delivered: number[] = [];
    const look = (): void => {
      driver.onInterrupt();
      received.push(...driver.receiveAll().map(frameNumber));
    };
    const carryOne = (): void => {
      const { waiting } = now.carrier;
      const number = waiting[inOrder ? 0 : random(waiting.length)];
      if (number === undefined) return;
      now.carrier.complete(number);
      carried.push(number);
    };
    const steps = [
      () => {
        if (driver.send(numbered(sent.length, 60 + random(100)))) sent.push(sent.length);
        now.frontEnd.turn();
      },
      carryOne,
      carryOne,
      () => {
        const number = 1000 + delivered.length;
        if (now.carrier.deliver(numbered(number, 60 + random(1000)))) delivered.push(number);
      },
      look,
    ];
    for (let death = 0; death < 12; death++) {
      for (let step = random(150); step > 0; step--) steps[random(steps.length)]?.();
      // From here on nobody lets the last one work: it is dead. The guest goes on for a while.
      const { record } = now;
      while (random(3) > 0 && driver.send(numbered(sent.length))) sent.push(sent.length);
      now = newBackend(memory, options.ring === "packed", record);
      transport.moveTo(now.frontEnd, ({ usedRing }) =>
        base === "used" ? new DataView(buffer).getUint16(usedRing - MEMORY.gpa + 2, true) : base,
      );
    }
    while (now.carrier.waiting.length > 0) carryOne();
    now.frontEnd.turn();
    look();
    expect([...carried].sort((a, b) => a - b)).toEqual(sent);
    expect(received).toEqual(delivered);
    expect(sent.length).toBeGreaterThan(100);
    expect(delivered.length).toBeGreaterThan(100);
    driver.verifyGuards();
    // All buffers are the driver's again: as many as ever go out.
    let more = 0;
    while (driver.send(numbered(9999))) more++;
    expect(more).toBeGreaterThanOrEqual(options.indirect === "never" ? 4 : SIZE / 2);
  });
});
