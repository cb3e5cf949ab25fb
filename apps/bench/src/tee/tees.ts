import { type ByteSink, type PcapTee, pcapngWriter, pcapTee } from "@vmmkit/backend-pcap";
import type { RawIfaceFuncs } from "@vmmkit/ethif";

/** Tees by name: off, one that keeps the start of each frame, and one that keeps all. */
const TEES: Readonly<Record<string, { readonly capturing: boolean; readonly snapLength?: number }>> = {
  teeOff: { capturing: false },
  teeHeads: { capturing: true, snapLength: 96 },
  teeOn: { capturing: true },
};

/** Their names. */
export const TEE_NAMES: readonly string[] = Object.keys(TEES);

/** Takes a capture at once: what a tee costs, and not what a disk does. */
const nowhere: ByteSink = { write: () => {}, close: () => {} };

/** A tee of that name around a backend. @throws RangeError where there is none */
export function teeAround(name: string, backend: RawIfaceFuncs): PcapTee {
  const tee = TEES[name];
  if (tee === undefined) throw new RangeError(`"name" expected one of ${TEE_NAMES.join(", ")}, got "${name}"`);
  return pcapTee(backend, { writer: pcapngWriter({ sink: nowhere }), ...tee });
}
