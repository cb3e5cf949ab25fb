import type { LinkInfo } from "@vmmkit/ethif";
import {
  GuestMachine,
  type GuestMachineOptions,
  GuestNetDriver,
  type GuestNetOptions,
  ModernTransport,
} from "@vmmkit/guest-driver";
import { IoPortType } from "@vmmkit/ioport";
import { commonMakeVirtioNet, type VirtioNet, type VirtioNetOptions } from "@vmmkit/virtio-net";
import { expect } from "vitest";
import { TestBackend } from "./test-backend.ts";

/** The interrupt line of the card under test. */
export const LINE = 11;
/** What the message for changes of configuration carries; those of the queues carry the numbers behind it. */
export const FIRST_MESSAGE = 0x40;
/** Ports for a card, wherever there is room. */
export const ANY_PORTS = { start: 0, end: 0, size: 32 } as const;

/** How the guest reaches the card, and the card the guest. */
export type RigTransport = "legacy" | "modern" | "msix";

export interface RigOptions {
  /** Default "legacy": the legacy registers and the pin. The others are the modern ones, with the pin or with MSI-X. */
  readonly transport?: RigTransport;
  readonly link?: Partial<LinkInfo>;
  readonly card?: VirtioNetOptions;
  readonly machine?: GuestMachineOptions;
  readonly guest?: GuestNetOptions;
  /** Whether the guest's driver starts the card. Default true. */
  readonly start?: boolean;
  /** A guest's driver that runs already and finds its card here. Default: one that probes. */
  readonly driver?: GuestNetDriver;
}

/** A machine with a card, a backend below it, and a guest's driver that found it by PCI. */
export interface Rig {
  readonly machine: GuestMachine;
  readonly backend: TestBackend;
  readonly card: VirtioNet;
  readonly driver: GuestNetDriver;
}

export function makeRig(options: RigOptions = {}): Rig {
  const machine = new GuestMachine(options.machine);
  const backend = new TestBackend(options.link);
  const { vm, pci, ioport, mmio, ports, ram } = machine;
  const { transport = "legacy" } = options;
  const card = commonMakeVirtioNet(vm, pci, ioport, ANY_PORTS, IoPortType.Free, 1, LINE, backend.funcs, {
    ...(transport === "legacy" ? {} : { mmio }),
    ...options.card,
  });
  const driver =
    options.driver ??
    (transport === "legacy"
      ? GuestNetDriver.probe(ports, ram, options.guest)
      : GuestNetDriver.probeModern(ports, ram, options.guest));
  machine.onLine(LINE, () => driver.onInterrupt());
  if (transport === "msix" && driver.transport instanceof ModernTransport) {
    if (options.driver === undefined) driver.transport.useMsix(FIRST_MESSAGE);
    for (let vector = 0; vector <= card.emul.state.queues.length; vector++) {
      machine.onMessage(FIRST_MESSAGE + vector, () => driver.onMessage(vector - 1));
    }
  }
  if (options.start !== false && options.driver === undefined) driver.start();
  return { machine, backend, card, driver };
}

/**
 * A frame whose every byte follows from its length and `seed`. One that is longer than the usual MTU allows without has a
 * VLAN tag.
 */
export function testFrame(lengthBytes: number, seed = 0): Uint8Array {
  const frame = new Uint8Array(lengthBytes);
  for (let i = 0; i < lengthBytes; i++) frame[i] = i * 7 + (i >> 8) + seed * 31 + lengthBytes;
  if (lengthBytes > 1514) frame.set([0x81, 0], 12);
  return frame;
}

/** As `toEqual`, but quick where the bytes are equal. */
export function expectFrames(got: readonly (Uint8Array | null)[], wanted: readonly Uint8Array[]): void {
  const equal =
    got.length === wanted.length && wanted.every((frame, i) => Buffer.compare(frame, got[i] ?? EMPTY) === 0);
  if (!equal) expect(got).toEqual(wanted);
}

const EMPTY = new Uint8Array(0);

/** Lets tasks of a later turn of the event loop run. */
export function laterTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
