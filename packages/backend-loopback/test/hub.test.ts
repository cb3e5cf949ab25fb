import { formatMac, Offload, parseMac, readFrame, TxResult } from "@vmmkit/ethif";
import { frameNumber, PeerCard, testBackend, testFrame } from "@vmmkit/ethif-compliance";
import { describe, expect, test } from "vitest";
import { Hub, type HubPort } from "../src/index.ts";
import { BROADCAST, Station } from "./support/cards.ts";
import { totalDropped } from "./support/dropped.ts";
import { segmentedFrame } from "./support/segmented-frame.ts";

for (const mtu of [1500, 65535]) {
  testBackend({
    name: `hub port, MTU ${mtu}`,
    keeps: 200,
    setup: () => {
      const hub = new Hub({ mtu });
      const backend = hub.port();
      return { backend, peer: new PeerCard(hub.port()), dropped: () => totalDropped(hub) };
    },
  });
}

const UNKNOWN = parseMac("02:ff:ff:ff:ff:ff");

/** A hub with so many stations. */
function joined(count: number): { hub: Hub; ports: HubPort[]; stations: Station[] } {
  const hub = new Hub();
  const ports = Array.from({ length: count }, () => hub.port());
  return { hub, ports, stations: ports.map((port) => new Station(port)) };
}

function arrivedAt(stations: readonly Station[]): number[][] {
  return stations.map((station) => station.arrived());
}

function at<T>(list: readonly T[], index: number): T {
  const entry = list[index];
  if (entry === undefined) throw new RangeError(`there is no number ${index}`);
  return entry;
}

describe("where frames go", () => {
  test("to a group or to nobody known: to all but the sender", () => {
    const { ports, stations } = joined(4);
    const multicast = parseMac("33:33:00:00:00:01");
    at(stations, 1).send(1, BROADCAST);
    at(stations, 1).send(2, multicast);
    at(stations, 1).send(3, UNKNOWN);
    expect(arrivedAt(stations)).toEqual([[1, 2, 3], [], [1, 2, 3], [1, 2, 3]]);
    expect(at(ports, 1).stats()).toMatchObject({ framesIn: 3, flooded: 3, framesOut: 0 });
  });

  test("to a station that was heard: to its port alone", () => {
    const { ports, stations } = joined(3);
    const [first, second] = [at(stations, 0), at(stations, 1)];
    first.send(1, BROADCAST);
    second.send(2, first.link.mac);
    first.send(3, second.link.mac);
    expect(arrivedAt(stations)).toEqual([[2], [1, 3], [1]]);
    expect(at(ports, 0).stats()).toMatchObject({ framesIn: 2, bytesIn: 120, flooded: 1, framesOut: 1, bytesOut: 60 });
  });

  test("to a station behind the same port: nowhere", () => {
    const { ports, stations } = joined(3);
    const behind = parseMac("02:00:00:00:00:99");
    at(stations, 0).send(1, BROADCAST, behind);
    at(stations, 0).send(2, behind);
    expect(arrivedAt(stations)).toEqual([[], [1], [1]]);
    expect(at(ports, 0).stats()).toMatchObject({ filtered: 1, flooded: 1 });
  });

  test("to a station that moved: to where it was heard last", () => {
    const { stations } = joined(3);
    const moving = parseMac("02:00:00:00:00:99");
    at(stations, 0).send(1, BROADCAST, moving);
    at(stations, 1).send(2, BROADCAST, moving);
    arrivedAt(stations);
    at(stations, 2).send(3, moving);
    expect(arrivedAt(stations)).toEqual([[], [3], []]);
  });

  test("nothing is learned from a sender that claims to be a group", () => {
    const { stations } = joined(3);
    at(stations, 0).send(1, BROADCAST, BROADCAST);
    at(stations, 1).send(2, BROADCAST);
    expect(arrivedAt(stations)).toEqual([[2], [1], [1, 2]]);
  });

  test("the addresses may lie in ranges of single bytes", () => {
    const { stations } = joined(3);
    const [first, second] = [at(stations, 0), at(stations, 1)];
    second.send(1, BROADCAST);
    arrivedAt(stations);
    const frame = testFrame({ to: second.link.mac, from: first.link.mac, size: 60, number: 2 });
    first.card.transmit(frame, new Array<number>(20).fill(1));
    first.card.flush();
    expect(arrivedAt(stations)).toEqual([[], [2], []]);
  });
});

describe("a port", () => {
  test("gives its guest a burst with one interrupt", () => {
    const { stations } = joined(3);
    const [first, second, third] = [at(stations, 0), at(stations, 1), at(stations, 2)];
    for (let number = 0; number < 32; number++) {
      first.card.transmit(testFrame({ to: BROADCAST, from: first.link.mac, size: 60, number }));
    }
    expect([second.card.rxBatches, third.card.rxBatches]).toEqual([0, 0]);
    first.card.flush();
    expect([second.card.rxBatches, third.card.rxBatches]).toEqual([1, 1]);
    expect(second.card.received.length).toBe(32);
  });

  test("gives a full batch at once", () => {
    const hub = new Hub();
    const first = new Station(hub.port());
    const second = new Station(hub.port({ batchFrames: 4 }));
    for (let number = 0; number < 10; number++) {
      first.card.transmit(testFrame({ to: BROADCAST, from: first.link.mac, size: 60, number }));
    }
    expect(second.card.rxBatches).toBe(2);
    first.card.flush();
    expect(second.arrived()).toEqual([...Array(10).keys()]);
  });

  test("that is full loses its own frames and delays nobody", () => {
    const hub = new Hub();
    const sender = new Station(hub.port(), 0);
    const full = hub.port({ bufferBytes: 0 });
    const fullStation = new Station(full, 3);
    const other = new Station(hub.port());
    for (let number = 0; number < 10; number++) expect(sender.send(number, BROADCAST)).toBe(TxResult.Complete);
    expect(fullStation.arrived()).toEqual([0, 1, 2]);
    expect(other.arrived()).toEqual([...Array(10).keys()]);
    expect(full.stats().dropped).toEqual({ noBuffers: 7, tooLong: 0, tooShort: 0, linkDown: 0, closed: 0 });
  });

  test("keeps frames in its buffer, in order, until there is room", () => {
    const hub = new Hub();
    const sender = new Station(hub.port(), 0, 4 << 20);
    const port = hub.port({ bufferBytes: 0x4_0000 });
    const slow = new Station(port, 0);
    for (let number = 0; number < 300; number++) sender.send(number, BROADCAST, sender.link.mac, 1500);
    const kept = Math.floor(0x4_0000 / 1504);
    expect(port.stats().dropped.noBuffers).toBe(300 - kept);
    expect(port.printState(slow.card.driver)).toContain(`${kept} waiting`);
    slow.card.post(kept, [1600]);
    expect(slow.arrived()).toEqual([...Array(kept).keys()]);
    sender.send(1000, BROADCAST);
    slow.card.post(1, [1600]);
    expect(slow.arrived()).toEqual([1000]);
  });

  test("without a card yet drops what comes for it", () => {
    const hub = new Hub();
    const sender = new Station(hub.port());
    const empty = hub.port();
    sender.send(1, BROADCAST);
    expect(empty.stats().dropped.noBuffers).toBe(1);
  });

  test("counts what it refuses by reason", () => {
    const { ports, stations } = joined(2);
    const first = at(stations, 0);
    expect(first.card.transmit(new Uint8Array(13))).toBe(TxResult.Failed);
    expect(first.send(1, BROADCAST, first.link.mac, 1519)).toBe(TxResult.Failed);
    expect(first.send(2, BROADCAST, first.link.mac, 1518)).toBe(TxResult.Complete);
    expect(at(ports, 0).stats()).toMatchObject({ framesIn: 1, dropped: { tooShort: 1, tooLong: 1 } });
    expect(at(stations, 1).arrived()).toEqual([2]);
  });

  test("has its own bytes of what a guest sent, whatever that guest does afterwards", () => {
    const { stations } = joined(2);
    const [first, second] = [at(stations, 0), at(stations, 1)];
    const frame = testFrame({ to: BROADCAST, from: first.link.mac, size: 900, number: 5 });
    first.card.transmit(frame);
    first.card.flush();
    expect(second.card.received).toEqual([frame]);
  });
});

describe("the link of a port", () => {
  test("goes and comes, and the guest is told", () => {
    const { ports, stations } = joined(2);
    const [port, station] = [at(ports, 1), at(stations, 1)];
    port.setLink(false);
    port.setLink(false);
    expect(station.card.linkChanges).toEqual([false]);
    expect(station.send(1, BROADCAST)).toBe(TxResult.Failed);
    at(stations, 0).send(2, BROADCAST);
    expect(station.arrived()).toEqual([]);
    port.setLink(true);
    expect(station.card.linkChanges).toEqual([false, true]);
    at(stations, 0).send(3, BROADCAST);
    expect(station.arrived()).toEqual([3]);
    expect(port.stats()).toMatchObject({ linkUp: true, dropped: { linkDown: 2 } });
  });

  test("takes frames that wait along when it goes", () => {
    const hub = new Hub();
    const sender = new Station(hub.port());
    const port = hub.port();
    const station = new Station(port, 0);
    sender.send(1, BROADCAST);
    port.setLink(false);
    port.setLink(true);
    sender.send(2, BROADCAST);
    station.card.post(2, [100]);
    expect(station.arrived()).toEqual([2]);
    expect(port.stats().dropped.linkDown).toBe(1);
  });

  test("may be down at the start", () => {
    const port = new Hub().port({ linkUp: false });
    expect(new Station(port).link.linkUp).toBe(false);
  });
});

describe("ports come and go", () => {
  test("a closed port gets nothing, and its stations are looked for anew", async () => {
    const { hub, ports, stations } = joined(3);
    const [first, second] = [at(stations, 0), at(stations, 1)];
    second.send(1, BROADCAST);
    await at(ports, 1).close();
    arrivedAt(stations);
    first.send(2, second.link.mac);
    expect(arrivedAt(stations)).toEqual([[], [], [2]]);
    expect(hub.stats().ports.map((port) => port.name)).toEqual(["port1", "port3"]);
    const moved = new Station(hub.port({ mac: second.link.mac }));
    moved.send(3, BROADCAST);
    first.send(4, second.link.mac);
    expect(arrivedAt(stations)).toEqual([[3], [], [3]]);
    expect(moved.arrived()).toEqual([4]);
    expect(at(ports, 1).stats().linkUp).toBe(false);
  });

  test("a port closed by a guest's interrupt, in the middle of a flood, does no harm", () => {
    const hub = new Hub();
    const sender = new Station(hub.port());
    const stations: Station[] = [];
    const ports = Array.from({ length: 4 }, () => hub.port({ batchFrames: 1 }));
    for (const port of ports) stations.push(new Station(port));
    at(stations, 0).card.onInterrupt = () => void at(ports, 2).close();
    sender.send(1, BROADCAST);
    sender.send(2, BROADCAST);
    expect(arrivedAt(stations)).toEqual([[1, 2], [1, 2], [], [1, 2]]);
    for (const station of stations) station.card.verify();
  });

  test("an address is free again when its port has gone", async () => {
    const hub = new Hub();
    const mac = parseMac("02:00:00:00:00:55");
    const port = hub.port({ mac });
    expect(() => hub.port({ mac })).toThrow("no other port has");
    await port.close();
    expect(() => hub.port({ mac })).not.toThrow();
  });

  test("all of them, when the hub is closed", () => {
    const { hub, stations } = joined(3);
    hub.close();
    expect(hub.stats().ports).toEqual([]);
    expect(at(stations, 0).send(1, BROADCAST)).toBe(TxResult.Failed);
    hub.close();
  });

  test("frames that wait at a port when it is closed are counted", async () => {
    const hub = new Hub();
    const sender = new Station(hub.port());
    const port = hub.port();
    const station = new Station(port, 0);
    sender.send(1, BROADCAST);
    await port.close();
    station.card.post(1, [100]);
    expect(station.arrived()).toEqual([]);
    expect(port.stats().dropped.closed).toBe(1);
    expect(port.printState(station.card.driver)).toContain("closed");
  });
});

describe("addresses", () => {
  test("are unique in a hub, locally administered, and alike but for the last bytes", () => {
    const hub = new Hub();
    const links = Array.from({ length: 300 }, () => new Station(hub.port(), 0, 256).link);
    const macs = links.map((link) => formatMac(link.mac));
    expect(new Set(macs).size).toBe(300);
    expect(new Set(macs.map((mac) => mac.slice(0, 11))).size).toBe(1);
    for (const link of links) expect((link.mac[0] ?? 0) & 3).toBe(2);
  });

  test("may be chosen, and are then not given to others", () => {
    const hub = new Hub({ macPrefix: Uint8Array.of(0x52, 0x54, 0, 0x12) });
    const chosen = hub.port({ mac: parseMac("52:54:00:12:00:01") });
    const made = hub.port();
    expect(formatMac(new Station(chosen).link.mac)).toBe("52:54:00:12:00:01");
    expect(formatMac(new Station(made).link.mac)).toBe("52:54:00:12:00:02");
    expect(() => hub.port({ mac: parseMac("52:54:00:12:00:02") })).toThrow(
      '"mac" expected an address that no other port has, got 52:54:00:12:00:02',
    );
  });
});

describe("guests that answer from within their interrupts", () => {
  test("pass a frame around without end, on a stack that does not grow, in turns that end", () => {
    const later: (() => void)[] = [];
    const hub = new Hub({ defer: (task) => later.push(task) });
    const stations = Array.from({ length: 3 }, () => new Station(hub.port({ bufferBytes: 0 }), 4, 4 << 20));
    let passed = 0;
    for (const [i, station] of stations.entries()) {
      const next = at(stations, (i + 1) % 3);
      station.card.onInterrupt = () => {
        for (const _frame of station.card.received.splice(0)) {
          passed++;
          station.card.post(1, [64]);
          station.send(passed, next.link.mac);
        }
      };
      station.send(0, station.link.mac);
    }
    passed = 0;
    at(stations, 0).send(1, at(stations, 1).link.mac);
    let turns = 0;
    while (passed < 5000 && turns++ < 5000) later.shift()?.();
    expect(passed).toBeGreaterThanOrEqual(5000);
    expect(turns).toBeGreaterThan(10);
    for (const station of stations) station.card.verify();
    expect(totalDropped(hub)).toBe(0);
  });
});

describe("a tap", () => {
  test("sees each frame as it comes in and as it goes out, until it is ended", () => {
    const { hub, stations } = joined(3);
    const seen: string[] = [];
    const end = hub.tap((frame, lengthBytes, port, direction) => {
      const bytes = new Uint8Array(lengthBytes);
      readFrame(frame, bytes);
      seen.push(`${direction} ${port}: ${frameNumber(bytes)}, ${lengthBytes} bytes`);
    });
    at(stations, 0).send(1, BROADCAST);
    expect(seen).toEqual(["in port1: 1, 60 bytes", "out port2: 1, 60 bytes", "out port3: 1, 60 bytes"]);
    end();
    at(stations, 0).send(2, BROADCAST);
    expect(seen.length).toBe(3);
  });

  test("sees frames that waited when they go out", () => {
    const hub = new Hub();
    const sender = new Station(hub.port({ name: "a" }));
    const slow = new Station(hub.port({ name: "b" }), 0);
    const seen: string[] = [];
    hub.tap((_frame, _lengthBytes, port, direction) => seen.push(`${direction} ${port}`));
    sender.send(1, BROADCAST);
    expect(seen).toEqual(["in a"]);
    slow.card.post(1, [100]);
    expect(seen).toEqual(["in a", "out b"]);
  });

  test("that throws is ended, and stops no frame", () => {
    const { hub, stations } = joined(2);
    let calls = 0;
    hub.tap(() => {
      calls++;
      throw new Error("disk full");
    });
    at(stations, 0).send(1, BROADCAST);
    at(stations, 0).send(2, BROADCAST);
    expect(at(stations, 1).arrived()).toEqual([1, 2]);
    expect(calls).toBe(1);
    expect(hub.stats().failedTaps).toBe(1);
  });
});

test("offloads are for all ports, and frames keep their fields", () => {
  const hub = new Hub({ offloads: Offload.Csum | Offload.Tso4 });
  const port = hub.port();
  const first = new Station(port);
  const second = new Station(hub.port(), 0);
  expect(first.link).toMatchObject({ txOffloads: 3, rxOffloads: 3, mtu: 1500 });
  second.card.post(1, [40_000]);
  const frame = segmentedFrame(30_000);
  expect(port.rawTx(first.card.driver, frame, 0)).toBe(TxResult.Complete);
  frame.gsoType = 0;
  expect(port.rawTx(first.card.driver, frame, 0)).toBe(TxResult.Failed);
  port.rawTxFlush?.(first.card.driver);
  expect(second.card.received.map(({ length }) => length)).toEqual([30_000]);
  expect(new Station(new Hub().port()).link).toMatchObject({ txOffloads: 63, rxOffloads: 63 });
});

test.each([
  [{ mtu: 1 }, '"mtu"'],
  [{ stations: 1000 }, '"stations" expected a power of two, got 1000'],
  [{ stations: 2 }, '"stations" expected an integer from 4 to 65536, got 2'],
  [{ stationAgeFrames: 0 }, '"stationAgeFrames"'],
  [{ macPrefix: new Uint8Array(4) }, '"macPrefix"'],
  [{ macPrefix: Uint8Array.of(2, 0, 0) }, '"macPrefix"'],
])("a hub of %o is refused", (options, message) => {
  expect(() => new Hub(options)).toThrow(message);
});

test.each([
  [{ bufferBytes: 1 }, '"bufferBytes" expected an integer from 262144'],
  [{ bufferBytes: 300_000 }, '"bufferBytes" expected a power of two'],
  [{ batchFrames: 0 }, '"batchFrames"'],
  [{ mac: BROADCAST }, '"mac"'],
])("a port of %o is refused, and leaves nothing behind", (options, message) => {
  const hub = new Hub();
  expect(() => hub.port(options)).toThrow(message);
  expect(hub.stats().ports).toEqual([]);
});
