/**
 * vmmkit's PCI space and network card inside the v86 emulator, in Node or in a browser.
 *
 * ```ts
 * import { virtioNetDefaultBackend } from "@vmmkit/virtio-net";
 * import { addVirtioNet, attachVmmkit } from "@vmmkit/v86";
 *
 * // A V86 made with `autostart: false`, once its event "emulator-loaded" has come.
 * function addCardAndRun(emulator: { run(): void }): void {
 *   addVirtioNet(attachVmmkit(emulator), virtioNetDefaultBackend());
 *   emulator.run();
 * }
 * ```
 *
 * @module
 */
export { type AddVirtioNetOptions, addVirtioNet } from "./add-virtio-net.ts";
export { type AttachOptions, attachVmmkit } from "./attach.ts";
export { V86AttachError, V86InternalsError, V86RangeError, V86StateError } from "./errors.ts";
export type { V86Machine } from "./machine.ts";
export type { IsaIrqsState, V86MachineState } from "./machine-state.ts";
export { restoreState, saveState, type V86States } from "./save-state.ts";
