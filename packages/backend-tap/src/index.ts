/**
 * A Linux TAP interface behind a card: frames go from guest memory to the kernel, and back, with one system call each
 * and without a copy.
 *
 * ```ts
 * import { tapBackend } from "@vmmkit/backend-tap";
 *
 * const backend = tapBackend({ name: "tap0", mtu: 1500 });
 * console.log(backend.interfaceName, "is the host's end");
 * // The eighth argument of commonMakeVirtioNet. At the end:
 * await backend.close();
 * ```
 *
 * @module
 */
export type { TapStats } from "./counters.ts";
export type { TapOptions } from "./options.ts";
export { type TapBackend, tapBackend } from "./tap-backend.ts";
