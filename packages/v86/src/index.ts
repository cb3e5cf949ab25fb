/**
 * vmmkit's PCI space and network card inside the v86 emulator, in Node or in a browser.
 *
 * ```ts
 * const emulator = new V86({ ...options, autostart: false });
 * emulator.add_listener("emulator-loaded", () => {
 *   const machine = attachVmmkit(emulator);
 *   addVirtioNet(machine, backend);
 *   emulator.run();
 * });
 * ```
 *
 * @module
 */
export { type AddVirtioNetOptions, addVirtioNet } from "./add-virtio-net.ts";
export { type AttachOptions, attachVmmkit } from "./attach.ts";
export { V86AttachError, V86InternalsError, V86RangeError } from "./errors.ts";
export type { V86Machine } from "./machine.ts";
