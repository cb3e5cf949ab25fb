/**
 * The contract between a network card and what carries its frames: `RawIfaceFuncs` downwards, `RawIfaceCallbacks`
 * upwards, `Frame` between them. A backend is a record of functions:
 *
 * ```ts
 * import { parseMac, type RawIfaceFuncs, TxResult } from "@vmmkit/ethif";
 *
 * const mac = parseMac("52:54:00:12:34:56");
 * let bytes = 0;
 * export const counter: RawIfaceFuncs = {
 *   lowLevelInit: () => ({ mac, mtu: 1500 }),
 *   rawTx: (_driver, frame) => {
 *     bytes += frame.totalBytes;
 *     return TxResult.Complete;
 *   },
 *   rawPoll: () => {},
 *   rawHandleIRQ: (driver, irq) => driver.raiseIrq(irq),
 *   getMac: () => mac,
 *   printState: () => `${bytes} bytes`,
 * };
 * ```
 *
 * @module
 */
export { allocateRxBufs } from "./allocate-rx-bufs.ts";
export { Frame, type FrameMemory } from "./frame.ts";
export { copyBytes, copyFrame, readFrame, writeFrame } from "./frame-copy.ts";
export { formatMac, isMulticast, MAC_BYTES, type MacAddress, parseMac, randomMac } from "./mac.ts";
export {
  type Backend,
  type EthDriver,
  type LinkInfo,
  Offload,
  type RawIfaceCallbacks,
  type RawIfaceFuncs,
  TxResult,
} from "./raw-iface.ts";
