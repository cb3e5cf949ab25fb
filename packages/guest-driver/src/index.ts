/**
 * The guest's side of virtio-net in TypeScript, for tests, benchmarks and fuzzing: a PCI probe, split virtqueues in
 * guest memory, a network driver, a machine to put a card into, and ways to break rings on purpose.
 *
 * ```ts
 * import { corruptRing, GuestMachine, GuestNetDriver, hostileTarget } from "@vmmkit/guest-driver";
 *
 * const machine = new GuestMachine(); // and a card in it
 * const driver = GuestNetDriver.probe(machine.ports, machine.ram);
 * driver.start();
 * corruptRing(hostileTarget(machine.ram, driver.txRing, false), "cycle");
 * driver.transport.notify(1);
 * ```
 *
 * @module
 */
export { CORRUPTIONS, type Corruption, type Victim } from "./corruptions.ts";
export { DescriptorTable } from "./descriptor-table.ts";
export { DriverError, GuestRamError, InterruptStormError, RingError } from "./errors.ts";
export { GuestMachine, type GuestMachineOptions } from "./guest-machine.ts";
export type { GuestBus, GuestPorts, PortWidth } from "./guest-ports.ts";
export { GUEST_PAGE_BYTES, GuestRam } from "./guest-ram.ts";
export type { GuestRing, GuestRingOptions } from "./guest-ring.ts";
export { corruptRing, type HostileTarget, hostileTarget, scribbleRing } from "./hostile.ts";
export { LegacyTransport } from "./legacy-transport.ts";
export { MmioTransport } from "./mmio-transport.ts";
export { ModernTransport } from "./modern-transport.ts";
export { GuestMsix } from "./msix.ts";
export { needEvent } from "./need-event.ts";
export { NetControl, type RssParameters, type RxMode } from "./net-control.ts";
export { GuestNetDriver } from "./net-driver.ts";
export { emptyNetHeader, type NetHeader, readNetHeader, writeNetHeader } from "./net-header.ts";
export {
  GUEST_NET_FEATURES,
  GUEST_NET_OFFLOADS,
  type GuestNetCounters,
  type GuestNetOptions,
  type NetBufferOptions,
} from "./net-options.ts";
export type { KickMode } from "./net-queue.ts";
export type { SendOptions } from "./net-transmit.ts";
export { PackedRing } from "./packed-ring.ts";
export {
  closePacket,
  isTransportGood,
  makePacket,
  type OpenPacket,
  type PacketSpec,
  type ReadPacket,
  readPacket,
  slowSum,
} from "./packets.ts";
export { type BarInfo, type CapabilityInfo, PciFunction } from "./pci-function.ts";
export { enumeratePci, findPciFunction } from "./pci-probe.ts";
export { randomBelow, seededRandom } from "./random.ts";
export { type RawDescriptor, RawRing, type RawUsedEntry } from "./raw-ring.ts";
export { RecordedInterrupts, type RecordedMessage } from "./recorded-interrupts.ts";
export {
  availRingBytes,
  checkPackedLayout,
  checkRingLayout,
  descTableBytes,
  legacyRingBytes,
  legacyRingLayout,
  type RingLayout,
  usedRingBytes,
} from "./ring-layout.ts";
export { allocatePackedRing, allocateRing, freePackedRing, freeRing } from "./ring-memory.ts";
export { type ChainPart, SplitRing } from "./split-ring.ts";
export type { GuestTransport } from "./transport.ts";
export { type VirtioCap, virtioCaps } from "./virtio-cap.ts";
