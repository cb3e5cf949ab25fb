import type { RawIfaceFuncs } from "@vmmkit/ethif";
import {
  GUEST_NET_FEATURES,
  GUEST_NET_OFFLOADS,
  GuestMachine,
  GuestNetDriver,
  type GuestNetOptions,
  type GuestTransport,
  LegacyTransport,
  ModernTransport,
} from "@vmmkit/guest-driver";
import { IoPortType } from "@vmmkit/ioport";
import { VIRTIO_F_EVENT_IDX, VIRTIO_F_INDIRECT_DESC, VIRTIO_NET_F_MRG_RXBUF } from "@vmmkit/virtio";
import { commonMakeVirtioNet } from "@vmmkit/virtio-net";
import type { LoopOptions } from "./loop.ts";
import type { Stopwatch } from "./stopwatch.ts";
import { TimedTransport } from "./timed-transport.ts";

const MEMORY_BYTES = 32 << 20;
/** Memory that a queue of `n` entries takes with its buffers, at most. */
const BYTES_PER_ENTRY = 2 * 4096;

/** The features that options turn on and off. */
const OPTIONAL = [VIRTIO_F_EVENT_IDX, VIRTIO_F_INDIRECT_DESC, VIRTIO_NET_F_MRG_RXBUF];

/** Buffers for segments of 64 KB: more than a batch has. */
const LONG_BUFFERS = { bufferBytes: 65_600, buffers: 32 };

/**
 * A guest in TypeScript with one card, its driver running and polling: no interrupts. Header and payload have a
 * descriptor each, as with a Linux guest. Its notifications are timed.
 */
export function benchGuest(backend: RawIfaceFuncs, options: LoopOptions, watch: Stopwatch): GuestNetDriver {
  const entries = options.ring;
  const memoryBytes = options.memoryBytes ?? Math.max(MEMORY_BYTES, 2 * entries * BYTES_PER_ENTRY);
  const machine = new GuestMachine({ memoryBytes });
  const range = { start: 0, end: 0, size: 32 };
  const sizes = { rxQueueSize: entries, txQueueSize: entries, mmio: machine.mmio };
  commonMakeVirtioNet(machine.vm, machine.pci, machine.ioport, range, IoPortType.Free, 1, 11, backend, sizes);
  const transport = new TimedTransport(probe(machine, options), watch);
  const driver = new GuestNetDriver(transport, machine.ram, driverOptions(options));
  driver.start();
  return driver;
}

function probe(machine: GuestMachine, { modern }: LoopOptions): GuestTransport {
  return modern === true ? ModernTransport.probe(machine.ports) : LegacyTransport.probe(machine.ports);
}

function driverOptions(options: LoopOptions): GuestNetOptions {
  const { segments = false } = options;
  const on = [
    ...(options.eventIdx ? [VIRTIO_F_EVENT_IDX] : []),
    ...(options.indirect ? [VIRTIO_F_INDIRECT_DESC] : []),
    ...(segments ? GUEST_NET_OFFLOADS : [VIRTIO_NET_F_MRG_RXBUF]),
  ];
  return {
    features: [...GUEST_NET_FEATURES.filter((bit) => !OPTIONAL.includes(bit)), ...on],
    ring: options.packed === true ? "packed" : "split",
    interrupts: "off",
    inOrder: options.inOrder ?? false,
    indirect: options.indirect ? "always" : "never",
    tx: { headerApart: true, ...(segments && LONG_BUFFERS) },
    rx: { headerApart: options.rxHeaderApart ?? false, ...(segments && LONG_BUFFERS) },
  };
}
