import { GUEST_NET_FEATURES, GuestNetDriver, type GuestNetOptions, GuestRam } from "@vmmkit/guest-driver";
import { VIRTIO_F_VERSION_1 } from "@vmmkit/virtio";
import { GuestMemory } from "@vmmkit/vm";
import { describe, expect, it } from "vitest";
import { words } from "./support/front-end.ts";
import { guestMemory, MEMORY, memoryTable, region, serve } from "./support/rig.ts";
import { frameNumber, numbered, SlowCarrier } from "./support/slow-carrier.ts";
import { VhostTransport } from "./support/vhost-transport.ts";

const SIZE = 16;
const SET_VRING_ENABLE = 18;
const features = [...GUEST_NET_FEATURES, VIRTIO_F_VERSION_1];

function start(options: GuestNetOptions) {
  const carrier = new SlowCarrier();
  const { connect, backend } = serve({}, carrier.funcs);
  const frontEnd = connect();
  frontEnd.agree();
  const { fd, buffer } = guestMemory();
  frontEnd.tell(5, memoryTable(region()), [fd]);
  const ram = new GuestRam(new GuestMemory([{ gpa: MEMORY.gpa, size: MEMORY.bytes, buffer }]), MEMORY.gpa);
  const transport = new VhostTransport(frontEnd, { size: SIZE });
  const driver = new GuestNetDriver(transport, ram, { features, indirect: "never", ...options });
  driver.start();
  const enable = (ring: number, enabled: boolean): void =>
    frontEnd.tell(SET_VRING_ENABLE, words(ring, enabled ? 1 : 0));
  /** Sends a frame, and has the back-end work. */
  const send = (number: number): boolean => {
    const taken = driver.send(numbered(number));
    frontEnd.turn();
    return taken;
  };
  return { carrier, backend, frontEnd, transport, driver, enable, send };
}

describe.each<[string, GuestNetOptions]>([
  ["split", {}],
  ["packed", { ring: "packed" }],
  ["split, in order", { inOrder: true }],
  ["packed, in order", { ring: "packed", inOrder: true }],
])("rings that are started but disabled: %s", (_name, options) => {
  it("what is sent there is thrown away, and its buffers come back; enabled again, it goes on", () => {
    const { carrier, enable, send, driver, backend, frontEnd } = start(options);
    expect(send(1)).toBe(true);
    enable(1, false);
    // What the carrier had goes back with that; and many more than the ring has.
    for (let number = 100; number < 200; number++) expect(send(number)).toBe(true);
    expect(carrier.waiting).toEqual([1]);
    carrier.complete(1);
    enable(1, true);
    for (const number of [2, 3]) expect(send(number)).toBe(true);
    expect(carrier.waiting).toEqual([2, 3]);
    for (const number of [2, 3]) carrier.complete(number);
    frontEnd.turn();
    // All at once, and the card as it was.
    for (let number = 300; number < 308; number++) expect(driver.send(numbered(number))).toBe(true);
    driver.verifyGuards();
    expect(backend.device.counters.transmitQueue.stopped).toBe(0);
    expect(backend.counters.failures).toBe(0);
  });

  it("nothing is received there; what comes when it is enabled again is", () => {
    const { carrier, enable, driver } = start(options);
    const received = (): number[] => {
      driver.onInterrupt();
      return driver.receiveAll().map(frameNumber);
    };
    expect(carrier.deliver(numbered(1))).toBe(true);
    expect(received()).toEqual([1]);
    enable(0, false);
    expect(carrier.deliver(numbered(2))).toBe(false);
    expect(received()).toEqual([]);
    enable(0, true);
    expect(carrier.deliver(numbered(3))).toBe(true);
    expect(received()).toEqual([3]);
    driver.verifyGuards();
  });

  it("GET_VRING_BASE says where a disabled ring is, and it goes on there", () => {
    const { carrier, enable, send, frontEnd, transport } = start(options);
    enable(1, false);
    for (let number = 100; number < 120; number++) send(number);
    const base = frontEnd.ask(11, words(1, 0)).getUint32(4, true);
    const queue = transport.queues.find(({ index }) => index === 1);
    if (queue === undefined) throw new Error("no queue");
    transport.setUp(queue, base);
    expect(carrier.waiting).toEqual([]);
    enable(1, true);
    send(5);
    expect(carrier.waiting).toEqual([5]);
  });

  it("a guest that breaks such a ring breaks that alone", () => {
    const { enable, send, carrier, transport, frontEnd } = start(options);
    enable(1, false);
    const queue = transport.queues.find(({ index }) => index === 1);
    frontEnd.tell(8, words(1, queue?.size ?? 0));
    for (let number = 0; number < 50; number++) send(number);
    expect(carrier.deliver(numbered(9))).toBe(true);
  });
});
