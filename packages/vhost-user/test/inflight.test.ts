import { GUEST_NET_FEATURES, GuestNetDriver, GuestRam } from "@vmmkit/guest-driver";
import { EventFd, type Fd, mapMemory } from "@vmmkit/posix";
import { VIRTIO_F_RING_PACKED, VIRTIO_F_VERSION_1 } from "@vmmkit/virtio";
import { GuestMemory } from "@vmmkit/vm";
import { describe, expect, it } from "vitest";
import { type FrontEnd, longs, words } from "./support/front-end.ts";
import { guestMemory, MEMORY, memoryTable, region, serve } from "./support/rig.ts";
import { numbered, SlowCarrier } from "./support/slow-carrier.ts";
import { VhostTransport } from "./support/vhost-transport.ts";

const SIZE = 64;
const FEATURES = [...GUEST_NET_FEATURES, VIRTIO_F_VERSION_1];
const PACKED = 1 << (VIRTIO_F_RING_PACKED - 32);
const [GET_INFLIGHT_FD, SET_INFLIGHT_FD] = [31, 32];

/** The payload of both requests. */
function description(sizeBytes: number, queues = 2, size = SIZE): Uint8Array {
  return Uint8Array.from([...longs(sizeBytes, 0), ...words(queues + size * 0x1_0000, 0)]);
}

/** A back-end that never ran before, at the same memory and, where there is one, the same record. */
function connect(memory: Fd, inflight: Fd | null, sizeBytes: number) {
  const carrier = new SlowCarrier();
  const rig = serve({}, carrier.funcs);
  const frontEnd = rig.connect();
  frontEnd.agree();
  frontEnd.tell(5, memoryTable(region()), [memory]);
  if (inflight !== null) expect(frontEnd.order(SET_INFLIGHT_FD, description(sizeBytes), [inflight])).toBe(true);
  return { ...rig, carrier, frontEnd };
}

function askForMemory(frontEnd: FrontEnd): { readonly fd: Fd; readonly sizeBytes: number } {
  const { answer, fds } = frontEnd.askForFd(GET_INFLIGHT_FD, description(0));
  const [fd] = fds;
  if (fd === undefined) throw new Error("no descriptor came");
  return { fd, sizeBytes: answer.getUint32(0, true) };
}

describe("what is in flight, on record", () => {
  it("GET_INFLIGHT_FD makes memory for as many queues of that size", () => {
    const { connect: newFrontEnd } = serve();
    const frontEnd = newFrontEnd();
    frontEnd.agree();
    const { answer, fds } = frontEnd.askForFd(GET_INFLIGHT_FD, description(0, 2, 256));
    expect([answer.getUint32(0, true), answer.getUint16(16, true), answer.getUint16(18, true)]).toEqual([8320, 2, 256]);
    expect(fds.length).toBe(1);
  });

  it("with packed rings there is more of it", () => {
    const frontEnd = serve().connect();
    frontEnd.agree();
    frontEnd.tell(2, words(0, 1 | PACKED));
    const { answer, fds } = frontEnd.askForFd(GET_INFLIGHT_FD, description(0));
    expect([answer.getUint32(0, true), fds.length]).toEqual([4224, 1]);
  });

  it.each([
    ["no queue", description(4096, 0)],
    ["more queues than there are", description(4096, 4)],
    ["a queue of no entries", description(4096, 2, 0)],
    ["less memory than it needs", description(1024)],
    ["more memory than there is", description(1 << 20)],
    ["a payload that is cut short", description(4096).subarray(0, 16)],
  ])("SET_INFLIGHT_FD refuses %s", (_name, payload) => {
    const frontEnd = serve().connect();
    frontEnd.agree();
    expect(frontEnd.order(SET_INFLIGHT_FD, payload, [guestMemory(4096).fd])).toBe(false);
    expect(frontEnd.order(SET_INFLIGHT_FD, description(4096))).toBe(false);
  });

  it("a reset by the front-end forgets what was in flight", () => {
    const { fd: memory, buffer } = guestMemory();
    const { frontEnd, carrier } = connect(memory, null, 0);
    const { fd: inflight, sizeBytes } = askForMemory(frontEnd);
    frontEnd.order(SET_INFLIGHT_FD, description(sizeBytes), [inflight]);
    const ram = new GuestRam(new GuestMemory([{ gpa: MEMORY.gpa, size: MEMORY.bytes, buffer }]), MEMORY.gpa);
    const transport = new VhostTransport(frontEnd, { size: SIZE });
    const driver = new GuestNetDriver(transport, ram, { features: FEATURES });
    driver.start();
    driver.send(numbered(1));
    transport.notify(1);
    expect(carrier.waiting).toEqual([1]);
    const record = (): number =>
      new Uint8Array(mapMemory(inflight, sizeBytes).buffer).reduce((sum, byte) => sum + byte);
    expect(record()).toBeGreaterThan(0);
    expect(frontEnd.order(34)).toBe(true);
    expect(record()).toBe(0);
  });
});

describe("SET_VRING_ERR", () => {
  it("the front-end is told once of an error that stopped the ring", () => {
    const { fd: memory, buffer } = guestMemory();
    const { frontEnd, backend } = connect(memory, null, 0);
    const ram = new GuestRam(new GuestMemory([{ gpa: MEMORY.gpa, size: MEMORY.bytes, buffer }]), MEMORY.gpa);
    const transport = new VhostTransport(frontEnd, { size: SIZE });
    const driver = new GuestNetDriver(transport, ram, { features: FEATURES });
    driver.start();
    const bells = [0, 1].map((ring) => {
      const bell = new EventFd();
      frontEnd.tell(14, words(ring, 0), [bell.fd]);
      return bell;
    });
    const queue = transport.queues.find(({ index }) => index === 1);
    // An available index that no driver can mean.
    new DataView(buffer).setUint16((queue?.availRing ?? 0) - MEMORY.gpa + 2, 0x7fff, true);
    transport.notify(1);
    transport.notify(1);
    expect(backend.device.counters.transmitQueue.stopped).toBe(1);
    expect(bells.map((bell) => bell.take())).toEqual([0, 1]);
  });
});
