import { createMemfd, EventFd, type Fd } from "@vmmkit/posix";
import { describe, expect, it, onTestFinished } from "vitest";
import { type Client, pack, setIrqs } from "./support/client.ts";
import { type Rig, serveToy } from "./support/rig.ts";
import type { ToyFunction } from "./support/toy-function.ts";

const [GET_IRQ_INFO, SET_IRQS, RESET] = [7, 8, 13];
const [INTX, MSIX] = [0, 2];
const [NONE, BOOL, EVENTFD] = [1, 2, 4];
const [MASK, UNMASK, TRIGGER] = [8, 16, 32];

function bell(): EventFd {
  const made = new EventFd();
  onTestFinished(() => made.close());
  return made;
}

function connected(): Rig<ToyFunction> & { readonly client: Client } {
  const rig = serveToy();
  return { ...rig, client: rig.connect() };
}

describe("VFIO_USER_DEVICE_GET_IRQ_INFO", () => {
  it.each([
    ["INTx: one, masks itself", 0, 7, 1],
    ["MSI: none", 1, 0, 0],
    ["MSI-X: four", 2, 1, 4],
    ["error: none", 3, 0, 0],
    ["request: none", 4, 0, 0],
  ])("%s", (_name, index, flags, count) => {
    const { body } = connected().client.succeed(
      GET_IRQ_INFO,
      pack([
        [4, 16],
        [4, 0],
        [4, index],
        [4, 0],
      ]),
    );
    expect([...new Uint32Array(body.buffer)]).toEqual([16, flags, index, count]);
  });
});

describe("INTx", () => {
  it("is signalled once, and again when it is unmasked while the level is high", () => {
    const { client, device } = connected();
    const irq = bell();
    client.succeed(SET_IRQS, setIrqs(EVENTFD | TRIGGER, INTX, 0, 1), [irq.fd]);
    const { interrupts } = device.vm;
    interrupts.setLine(0, true);
    interrupts.setLine(0, false);
    interrupts.setLine(0, true);
    expect(irq.take()).toBe(1);
    client.succeed(SET_IRQS, setIrqs(NONE | UNMASK, INTX, 0, 1));
    expect(irq.take()).toBe(1);
    interrupts.setLine(0, false);
    client.succeed(SET_IRQS, setIrqs(NONE | UNMASK, INTX, 0, 1));
    expect(irq.take()).toBe(0);
    interrupts.setLine(0, true);
    expect(irq.take()).toBe(1);
  });

  it("waits while it is masked", () => {
    const { client, device } = connected();
    const irq = bell();
    client.succeed(SET_IRQS, setIrqs(EVENTFD | TRIGGER, INTX, 0, 1), [irq.fd]);
    client.succeed(SET_IRQS, setIrqs(BOOL | MASK, INTX, 0, 1, [1]));
    device.vm.interrupts.setLine(0, true);
    client.succeed(SET_IRQS, setIrqs(BOOL | UNMASK, INTX, 0, 1, [0]));
    expect(irq.take()).toBe(0);
    client.succeed(SET_IRQS, setIrqs(BOOL | UNMASK, INTX, 0, 1, [1]));
    expect(irq.take()).toBe(1);
  });

  it("a level that is high when the descriptor comes is told", () => {
    const { client, device } = connected();
    const irq = bell();
    device.vm.interrupts.setLine(0, true);
    client.succeed(SET_IRQS, setIrqs(EVENTFD | TRIGGER, INTX, 0, 1), [irq.fd]);
    expect(irq.take()).toBe(1);
  });

  it("is unmasked through a descriptor, as KVM does it", () => {
    const { client, device } = connected();
    const [irq, unmask] = [bell(), bell()];
    client.succeed(SET_IRQS, setIrqs(EVENTFD | TRIGGER, INTX, 0, 1), [irq.fd]);
    client.succeed(SET_IRQS, setIrqs(EVENTFD | UNMASK, INTX, 0, 1), [unmask.fd]);
    device.vm.interrupts.setLine(0, true);
    expect(irq.take()).toBe(1);
    unmask.signal();
    client.turn();
    expect(irq.take()).toBe(1);
  });
});

describe("MSI-X", () => {
  it("each vector has a descriptor of its own", () => {
    const { client, device } = connected();
    const bells = [bell(), bell(), bell()];
    client.succeed(
      SET_IRQS,
      setIrqs(EVENTFD | TRIGGER, MSIX, 1, 3),
      bells.map(({ fd }) => fd),
    );
    device.vm.interrupts.signalVector?.(2);
    device.vm.interrupts.signalVector?.(2);
    device.vm.interrupts.signalVector?.(3);
    device.vm.interrupts.signalVector?.(99);
    expect(bells.map((one) => one.take())).toEqual([0, 2, 1]);
  });

  it("DATA_EVENTFD without a descriptor takes it away; what was missed meanwhile is made up for", () => {
    const { client, device } = connected();
    const irq = bell();
    client.succeed(SET_IRQS, setIrqs(EVENTFD | TRIGGER, MSIX, 0, 1), [irq.fd]);
    client.succeed(SET_IRQS, setIrqs(EVENTFD | TRIGGER, MSIX, 0, 1));
    device.vm.interrupts.signalVector?.(0);
    expect(irq.take()).toBe(0);
    client.succeed(SET_IRQS, setIrqs(EVENTFD | TRIGGER, MSIX, 0, 1), [irq.fd]);
    expect(irq.take()).toBe(1);
  });

  it.each([
    ["a reset of the device", RESET, []],
    ["disabling all", SET_IRQS, [...setIrqs(NONE | TRIGGER, MSIX, 0, 0)]],
  ])("%s forgets what was missed", (_name, command, body) => {
    const { client, device } = connected();
    const irq = bell();
    device.vm.interrupts.signalVector?.(0);
    client.succeed(command, body);
    client.succeed(SET_IRQS, setIrqs(EVENTFD | TRIGGER, MSIX, 0, 1), [irq.fd]);
    expect(irq.take()).toBe(0);
  });

  it("the client can signal itself", () => {
    const { client } = connected();
    const bells = [bell(), bell()];
    client.succeed(
      SET_IRQS,
      setIrqs(EVENTFD | TRIGGER, MSIX, 0, 2),
      bells.map(({ fd }) => fd),
    );
    client.succeed(SET_IRQS, setIrqs(BOOL | TRIGGER, MSIX, 0, 2, [0, 1]));
    expect(bells.map((one) => one.take())).toEqual([0, 1]);
  });

  it("nothing is signalled once the client is gone", () => {
    const { client, device } = connected();
    const irq = bell();
    client.succeed(SET_IRQS, setIrqs(EVENTFD | TRIGGER, MSIX, 0, 1), [irq.fd]);
    client.close();
    device.vm.interrupts.signalVector?.(0);
    expect(irq.take()).toBe(0);
  });
});

describe("VFIO_USER_DEVICE_SET_IRQS refuses", () => {
  const other = (): Fd => createMemfd("no eventfd", 4096);
  it.each([
    ["two kinds of data", setIrqs(NONE | BOOL | TRIGGER, INTX, 0, 1), [], 22],
    ["two actions", setIrqs(NONE | MASK | UNMASK, INTX, 0, 1), [], 22],
    ["no action", setIrqs(NONE, INTX, 0, 1), [], 22],
    ["vectors beyond the last", setIrqs(NONE | TRIGGER, MSIX, 2, 3), [], 22],
    ["more vectors than numbers", setIrqs(NONE | TRIGGER, MSIX, 0xffff_ffff, 2), [], 22],
    ["a kind that there is not", setIrqs(NONE | TRIGGER, 5, 0, 0), [], 22],
    ["to mask messages", setIrqs(NONE | MASK, MSIX, 0, 1), [], 95],
    ["fewer booleans than interrupts", setIrqs(BOOL | TRIGGER, MSIX, 0, 4, [1]), [], 22],
    ["other descriptors than it says", setIrqs(EVENTFD | TRIGGER, MSIX, 0, 2), ["eventfd"], 22],
    ["a descriptor that is no eventfd", setIrqs(EVENTFD | TRIGGER, MSIX, 0, 1), ["memfd"], 22],
  ])("%s", (_name, body, kinds, errno) => {
    const { client } = connected();
    const fds = kinds.map((kind) => (kind === "memfd" ? other() : bell().fd));
    expect(client.request(SET_IRQS, body, fds).errno).toBe(errno);
  });
});
