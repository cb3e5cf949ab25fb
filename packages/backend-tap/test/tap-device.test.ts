import { Offload } from "@vmmkit/ethif";
import {
  type Fd,
  IoVector,
  ioctl,
  Message,
  OpenFlag,
  openFile,
  PosixError,
  SocketType,
  sendWithDescriptors,
  socketPair,
} from "@vmmkit/posix";
import { describe, expect, it, onTestFinished } from "vitest";
import { InterfaceRequest, REQUEST_DATA } from "../src/ifreq.ts";
import { tapBackend } from "../src/index.ts";
import { ALL_OFFLOADS } from "../src/offloads.ts";
import { IFF_MULTI_QUEUE, IFF_NO_PI, IFF_TAP, IFF_VNET_HDR, TUN_DEVICE, TUNSETIFF } from "../src/tun-spec.ts";
import { eventually, inOwnNetwork, removeLater, someFrame, testCard, testPeer, testTap } from "./support/backends.ts";
import { ip } from "./support/namespace.ts";

inOwnNetwork();

function exists(name: string): boolean {
  return ip("-br link")
    .split("\n")
    .some((line) => line.startsWith(`${name} `));
}

/** A descriptor as a privileged parent opens it. */
function openRaw(name: string, flags: number): Fd {
  const fd = openFile(TUN_DEVICE, OpenFlag.ReadWrite);
  onTestFinished(() => fd.close());
  const request = new InterfaceRequest(name);
  request.view.setUint16(REQUEST_DATA, flags, true);
  expect(ioctl(fd.number, TUNSETIFF, request.bytes)).toBe(0);
  return fd;
}

/** The same descriptor after it was sent over a socket, as another process gets it. */
function passed(fd: Fd): Fd {
  const [here, there] = socketPair(SocketType.Stream);
  sendWithDescriptors(here.fd, Uint8Array.of(1), [fd]);
  const message = new Message(new IoVector(1));
  message.vector.push(new Uint8Array(1), 0, 1);
  message.receive(there.fd.number);
  here.close();
  there.close();
  const [got] = message.takeDescriptors();
  if (got === undefined) throw new Error("no descriptor came");
  return got;
}

describe("names", () => {
  it("a pattern takes the first free number, and the name is known", () => {
    const backends = [testTap(), testTap(), testTap({ name: "lab%dx" })];
    expect(backends.map(({ interfaceName }) => interfaceName)).toEqual(["vmm0", "vmm1", "lab0x"]);
  });

  it("an interface that is renamed keeps its backend", async () => {
    const { backend, card } = testCard({ name: "before0" });
    ip("link set before0 down");
    ip("link set before0 name after0");
    ip("link set after0 up");
    await eventually(() => backend.interfaceName === "after0", "the new name");
    const peer = testPeer("after0");
    card.transmit(someFrame());
    await peer.receive();
  });
});

describe("who owns the interface", () => {
  it("one that was made goes when the backend is closed", async () => {
    const backend = tapBackend({ name: "made0" });
    expect(exists("made0")).toBe(true);
    await backend.close();
    expect(exists("made0")).toBe(false);
  });

  it("a persistent one stays, with what was set, and is attached to again", async () => {
    removeLater("stays0");
    const first = tapBackend({ name: "stays0", persistent: true, mtu: 1400 });
    await first.close();
    expect(exists("stays0")).toBe(true);
    const { backend, card } = testCard({ name: "stays0", existing: true });
    expect(card.link).toMatchObject({ mtu: 1400, linkUp: true });
    expect(backend.interfaceName).toBe("stays0");
  });

  it("one of `ip tuntap` is attached to, as its owner left it: down", () => {
    removeLater("theirs0");
    ip("tuntap add dev theirs0 mode tap");
    const { card } = testCard({ name: "theirs0" });
    expect(card.link?.linkUp).toBe(false);
    expect(ip("-br link show theirs0")).not.toContain("UP");
  });

  it("persistence can be taken back", async () => {
    removeLater("back0");
    ip("tuntap add dev back0 mode tap");
    await tapBackend({ name: "back0", persistent: false }).close();
    expect(exists("back0")).toBe(false);
  });
});

describe("a descriptor that is handed in", () => {
  it("is used as it is, over a socket too", async () => {
    const fd = passed(openRaw("given0", IFF_TAP | IFF_NO_PI));
    const { backend, card } = testCard({ fd, up: true });
    expect([backend.interfaceName, backend.vnetHeaderBytes, card.link?.linkUp]).toEqual(["given0", 0, true]);
    const peer = testPeer("given0");
    card.transmit(someFrame());
    await peer.receive();
    await backend.close();
    expect(fd.closed).toBe(true);
  });

  it("with the header of ten bytes that the kernel gives, or of twelve", () => {
    const fd = openRaw("given1", IFF_TAP | IFF_NO_PI | IFF_VNET_HDR);
    expect(testTap({ fd }).vnetHeaderBytes).toBe(10);
    const twelve = testTap({ name: "given2", vnetHeader: true, persistent: true });
    removeLater("given2");
    expect(twelve.vnetHeaderBytes).toBe(12);
  });

  it("of something else is refused, and stays its owner's", () => {
    const tun = openRaw("tun0", 1 | IFF_NO_PI);
    const file = openFile("/dev/null");
    for (const fd of [tun, file]) {
      expect(() => tapBackend({ fd })).toThrow('"fd" expected the descriptor of a TAP interface');
      expect(fd.closed).toBe(false);
    }
    file.close();
  });

  it("several are queues of one interface, and of no two", () => {
    const flags = IFF_TAP | IFF_NO_PI | IFF_MULTI_QUEUE;
    const [one, two] = [openRaw("many0", flags), openRaw("many0", flags)];
    const { card } = testCard({ fd: [one, two] });
    expect(card.link?.queuePairs).toBe(2);
    const [here, elsewhere] = [openRaw("many1", flags), openRaw("many2", flags)];
    expect(() => tapBackend({ fd: [here, elsewhere] })).toThrow(
      '"fd" expected queues of one interface, got many1 and many2',
    );
    expect(() => tapBackend({ fd: [] })).toThrow('"fd" expected at least one descriptor');
    expect(() => tapBackend({ fd: [here], queues: 2 })).toThrow('"queues" expected as many as there are descriptors');
  });
});

describe("what cannot be had says what to do", () => {
  it("no such interface, where one is to exist", () => {
    expect(() => tapBackend({ name: "nothing0", existing: true })).toThrow(
      "TUNSETIFF nothing0: let root create it: ip tuntap add dev nothing0 mode tap user <you>",
    );
    expect(exists("nothing0")).toBe(false);
  });

  it("one that another has", () => {
    testTap({ name: "taken0" });
    expect(() => tapBackend({ name: "taken0" })).toThrow(/^EBUSY: .*another process has it/);
  });

  it("one that is no TAP interface", () => {
    expect(() => tapBackend({ name: "lo" })).toThrow(PosixError);
    expect(() => tapBackend({ name: "lo" })).toThrow(/^EINVAL: .*is no TAP interface, or was made with other flags/);
  });

  it("nothing is left behind by a failure half way", () => {
    const open = () => tapBackend({ name: "half0", bridge: "nobridge0" });
    expect(open).toThrow(/^ENODEV: .*SIOCBRADDIF nobridge0: ip link set half0 master nobridge0/);
    expect(exists("half0")).toBe(false);
  });
});

describe("queues", () => {
  it("a queue of an interface that was made for several is attached to", () => {
    removeLater("multi0");
    ip("tuntap add dev multi0 mode tap multi_queue");
    expect(() => tapBackend({ name: "multi0" })).toThrow(/^EINVAL: /);
    testTap({ name: "multi0", multiQueue: true });
    testTap({ name: "multi0", multiQueue: true });
  });

  it("several in one backend: those that the guest uses are attached", () => {
    const { backend, card } = testCard({ name: "pairs0", queues: 4 });
    expect(card.link?.queuePairs).toBe(4);
    const attached = (): number => Number(/numqueues (\d+)/.exec(ip("-d link show pairs0"))?.[1]);
    const disabled = (): number => Number(/numdisabled (\d+)/.exec(ip("-d link show pairs0"))?.[1] ?? 0);
    expect([attached(), disabled()]).toEqual([1, 3]);
    backend.setQueuePairs(card.driver, 3);
    expect([attached(), disabled()]).toEqual([3, 1]);
    backend.setQueuePairs(card.driver, 1);
    expect([attached(), disabled()]).toEqual([1, 3]);
    expect(() => backend.setQueuePairs(card.driver, 0)).toThrow('"pairs" expected an integer from 1');
  });
});

describe("offloads", () => {
  it("the card hears what the kernel can give and take, and nothing comes before a guest asks for it", () => {
    const { backend, card } = testCard({ vnetHeader: true });
    const tcp = Offload.Csum | Offload.Tso4 | Offload.Tso6 | Offload.Ecn;
    expect((card.link?.rxOffloads ?? 0) & tcp).toBe(tcp);
    expect((card.link?.txOffloads ?? 0) & tcp).toBe(tcp);
    expect(ip("-d link").includes("vnet_hdr on")).toBe(true);
    const some = Offload.Csum | Offload.Tso4;
    expect(backend.setRxOffloads(card.driver, some)).toBe(some);
    expect(backend.setRxOffloads(card.driver, 0)).toBe(0);
    expect(() => backend.setRxOffloads(card.driver, 64)).toThrow('"offloads" expected an integer from 0 to 63');
  });

  it("without a header there are none", () => {
    const { backend, card } = testCard();
    expect([card.link?.rxOffloads, card.link?.txOffloads]).toEqual([0, 0]);
    expect(backend.setRxOffloads(card.driver, ALL_OFFLOADS)).toBe(0);
  });
});
