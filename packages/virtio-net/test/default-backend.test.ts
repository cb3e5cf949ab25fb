import { TxResult } from "@vmmkit/ethif";
import { GuestMachine, GuestNetDriver } from "@vmmkit/guest-driver";
import { IoPortType } from "@vmmkit/ioport";
import { commonMakeVirtioNet, virtioNetDefaultBackend } from "@vmmkit/virtio-net";
import { describe, expect, it } from "vitest";
import { ANY_PORTS, LINE, testFrame } from "./support/rig.ts";

function start(backend: ReturnType<typeof virtioNetDefaultBackend>) {
  const machine = new GuestMachine();
  const { vm, pci, ioport } = machine;
  const card = commonMakeVirtioNet(vm, pci, ioport, ANY_PORTS, IoPortType.Free, 1, LINE, backend);
  const driver = GuestNetDriver.probe(machine.ports, machine.ram, { txInterrupts: true });
  machine.onLine(LINE, () => driver.onInterrupt());
  driver.start();
  return { machine, card, driver };
}

describe("virtioNetDefaultBackend", () => {
  it("is safe as it is: frames go nowhere and come back to the guest, interrupts reach it", () => {
    const { machine, card, driver } = start(virtioNetDefaultBackend());
    for (let i = 0; i < 1000; i++) expect(driver.send(testFrame(60))).toBe(true);
    machine.settle();
    driver.reapTransmit();
    expect(driver.counters.txCompleted).toBe(1000);
    expect(driver.counters.interrupts).toBeGreaterThan(0);
    expect(card.counters.transmit).toMatchObject({ frames: 1000, bytes: 60_000 });
    expect(driver.receive()).toBe(null);
  });

  it("has MTU 1500 and a random address that is locally administered and not multicast", () => {
    const first = start(virtioNetDefaultBackend());
    const second = start(virtioNetDefaultBackend());
    expect(first.driver.mtu).toBe(1500);
    expect(first.driver.linkUp).toBe(true);
    for (const { driver } of [first, second]) expect((driver.readMac()[0] ?? 0) & 3).toBe(2);
    expect(first.driver.readMac()).not.toEqual(second.driver.readMac());
  });

  it("answers for itself", () => {
    const backend = virtioNetDefaultBackend();
    const { card, driver } = start(backend);
    driver.send(testFrame(60));
    expect(backend.getMac(card.emulDriver)).toEqual(card.mac);
    expect(backend.printState(card.emulDriver)).toContain("1 frames dropped");
  });

  it("may be spread, and any function of it replaced", () => {
    const lengths: number[] = [];
    const { driver } = start({
      ...virtioNetDefaultBackend(),
      rawTx: (_driver, frame) => {
        lengths.push(frame.totalBytes);
        return TxResult.Complete;
      },
    });
    driver.send(testFrame(60));
    driver.send(testFrame(1514));
    expect(lengths).toEqual([60, 1514]);
  });

  it("does not interrupt by itself where rawHandleIRQ is replaced", () => {
    const irqs: number[] = [];
    const { machine, card, driver } = start({
      ...virtioNetDefaultBackend(),
      rawHandleIRQ: (_driver, irq) => irqs.push(irq),
    });
    driver.send(testFrame(60));
    card.setLink(false);
    expect(irqs).toEqual([1, -1]);
    expect(machine.interrupts.calls(LINE)).toBe(0);
    // What the card had to say is still there for whoever asks, and for a later raiseIrq.
    card.emulDriver.raiseIrq(1);
    expect(machine.interrupts.level(LINE)).toBe(true);
    expect(driver.transport.readIsr()).toBe(3);
    expect(machine.interrupts.level(LINE)).toBe(false);
  });

  it("a raiseIrq that comes too late raises nothing: the guest has seen it all", () => {
    const { machine, card, driver } = start({ ...virtioNetDefaultBackend(), rawHandleIRQ: () => {} });
    driver.send(testFrame(60));
    driver.transport.readIsr();
    card.emulDriver.raiseIrq(1);
    expect(machine.interrupts.level(LINE)).toBe(false);
    card.setLink(false);
    driver.reset();
    card.emulDriver.raiseIrq(-1);
    expect(machine.interrupts.level(LINE)).toBe(false);
  });
});
