/**
 * The contract between a network card and what carries its frames: `RawIfaceFuncs` downwards, `RawIfaceCallbacks`
 * upwards, `Frame` between them.
 *
 * @module
 */
export { Frame } from "./frame.ts";
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
