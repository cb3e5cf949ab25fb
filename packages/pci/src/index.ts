/**
 * PCI configuration space: functions, BARs, capabilities, INTx, host bridge and the configuration ports.
 *
 * ```ts
 * import { IoPortType, VmmIoPortList } from "@vmmkit/ioport";
 * import { barEmulation, CONFIG_PORT_RANGE, configPorts, deviceEntry, VmmPciSpace } from "@vmmkit/pci";
 *
 * const ports = new VmmIoPortList();
 * const pci = new VmmPciSpace();
 * const header = deviceEntry({ vendorId: 0x1af4, deviceId: 0x1000, classCode: 0x02, interruptPin: 1 });
 * const card = barEmulation(header, [{ kind: "io", address: 0xc000, sizeBits: 5 }], {
 *   onBarChange: (window) => console.log(window.address, window.enabled),
 * });
 * pci.addEntry(card);
 * ports.addHandler(CONFIG_PORT_RANGE, configPorts(pci), IoPortType.Addr);
 * ```
 *
 * @module
 */
export { type BarEntry, type BarOptions, barEmulation } from "./bar.ts";
export type { PciBar, PciBarWindow } from "./bar-registers.ts";
export { capEmulation, noMsiCapEmulation, type PciConfigRange } from "./capabilities.ts";
export { CONFIG_PORT_RANGE, type ConfigPortsOptions, configPorts } from "./config-ports.ts";
export { DEFAULT_COMMAND_WRITABLE, deviceEntry, type PciDeviceDef } from "./device-def.ts";
export { ECAM_BUS_BYTES, ecam } from "./ecam.ts";
export { PciAddressError, PciDefinitionError, PciSlotOccupiedError, PciSpaceFullError } from "./errors.ts";
export { hostBridge } from "./host-bridge.ts";
export { type IntxEntry, intxEmulation } from "./intx.ts";
export { irqEmulation } from "./irq.ts";
export { ignoreWrite, type MemDevice, type MemDeviceMasks, memDevice } from "./mem-device.ts";
export { hasMessages, type MsixEntry, type MsixOptions, msixEmulation } from "./msix.ts";
export { type PciConfig, passthrough } from "./passthrough.ts";
export {
  formatPciAddress,
  makeAddrRegFromConfig,
  type PciAddress,
  type PciAddressAndRegister,
} from "./pci-address.ts";
export { type EntryState, isConfigAccess, type PciEntry } from "./pci-entry.ts";
export type { PciFunction, PciRegion } from "./pci-function.ts";
export { PciPlug, type PciPlugOptions } from "./pci-plug.ts";
export { type PciSpaceOptions, type PciSpaceState, VmmPciSpace } from "./pci-space.ts";
export * from "./spec.ts";
