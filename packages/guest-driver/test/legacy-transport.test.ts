import { barEmulation, deviceEntry } from "@vmmkit/pci";
import { describe, expect, it } from "vitest";
import { DriverError, GuestMachine, GuestNetDriver, LegacyTransport } from "../src/index.ts";
import { NaiveCard } from "./support/naive-card.ts";

describe("4.1.4.10 legacy registers", () => {
  it("are where the specification has them, at their widths", () => {
    const log: string[] = [];
    const machine = new GuestMachine();
    new NaiveCard(machine).transmitting = false;
    const { ports } = machine;
    const transport = LegacyTransport.probe({
      in: (port, size) => {
        if (port >= 0xc000) log.push(`in ${port - transport.base} ${size}`);
        return ports.in(port, size);
      },
      out: (port, size, value) => {
        if (port >= 0xc000) log.push(`out ${port - transport.base} ${size} ${value.toString(16)}`);
        ports.out(port, size, value);
      },
    });
    transport.readDeviceFeatures(0);
    transport.writeDriverFeatures(0, 0x8000_0001);
    transport.readQueueSize(1);
    transport.writeQueue(1, 0x1_2345_6000);
    transport.readQueuePfn(1);
    transport.notify(1);
    transport.writeStatus(3);
    transport.readStatus();
    transport.readIsr();
    transport.readConfig(6, 2);
    transport.writeConfig(5, 1, 9);
    expect(log).toEqual([
      "in 0 4",
      "out 4 4 80000001",
      "out 14 2 1",
      "in 12 2",
      "out 14 2 1",
      "out 8 4 123456",
      "out 14 2 1",
      "in 8 4",
      "out 16 2 1",
      "out 18 1 3",
      "in 18 1",
      "in 19 1",
      "in 26 2",
      "out 25 1 9",
    ]);
  });

  it("have no feature bits beyond 31", () => {
    const machine = new GuestMachine();
    new NaiveCard(machine, { features: [5, 31] });
    const driver = GuestNetDriver.probe(machine.ports, machine.ram);
    expect([5, 6, 31, 32, 37, 63].map((bit) => driver.offers(bit))).toEqual([true, false, true, false, false, false]);
  });
});

describe("the card's ports", () => {
  it("can be moved while the driver works", () => {
    const machine = new GuestMachine();
    const card = new NaiveCard(machine);
    const driver = GuestNetDriver.probe(machine.ports, machine.ram);
    driver.start();
    driver.transport.moveTo(0xe000);
    expect(driver.transport.base).toBe(0xe000);
    driver.send(new Uint8Array(60));
    expect(card.sent.length).toBe(1);
  });

  it("must be ports", () => {
    const machine = new GuestMachine();
    const header = deviceEntry({ vendorId: 0x1af4, deviceId: 0x1000, classCode: 2 });
    const bar = { kind: "mem32", address: 0xfeb0_0000, sizeBits: 12 } as const;
    machine.pci.addEntry(barEmulation(header, [bar], { onBarChange: () => {} }));
    expect(() => LegacyTransport.probe(machine.ports)).toThrow(DriverError);
  });
});
