import { Offload } from "@vmmkit/ethif";
import { TUN_F_CSUM, TUN_F_TSO_ECN, TUN_F_TSO4, TUN_F_TSO6, TUN_F_UFO, TUN_F_USO4, TUN_F_USO6 } from "./tun-spec.ts";

/** Everything that `Offload` has. */
export const ALL_OFFLOADS: number =
  Offload.Csum | Offload.Tso4 | Offload.Tso6 | Offload.Ecn | Offload.Ufo | Offload.Uso;

/**
 * What the kernel takes from us in any case, once frames have a header: it has been able to for as long as TAP has
 * headers. UDP segmentation is newer; a kernel that gives it also takes it.
 */
const ALWAYS_TAKEN = Offload.Csum | Offload.Tso4 | Offload.Tso6 | Offload.Ecn;

/** Bits of `Offload` as bits of `TUNSETOFFLOAD`. Without checksums the kernel gives nothing else. */
function tunOffloads(offloads: number): number {
  if ((offloads & Offload.Csum) === 0) return 0;
  let bits = TUN_F_CSUM;
  if (offloads & Offload.Tso4) bits |= TUN_F_TSO4;
  if (offloads & Offload.Tso6) bits |= TUN_F_TSO6;
  if (offloads & Offload.Ecn) bits |= TUN_F_TSO_ECN;
  if (offloads & Offload.Ufo) bits |= TUN_F_UFO;
  if (offloads & Offload.Uso) bits |= TUN_F_USO4 | TUN_F_USO6;
  return bits;
}

/**
 * Finds out what a kernel gives.
 * @param wanted bits of `Offload`
 * @param set asks the kernel for bits of `TUNSETOFFLOAD`, and says whether it agrees
 * @returns the bits of `wanted` that the kernel agreed to together, and last
 */
export function agreeOnOffloads(wanted: number, set: (tunBits: number) => boolean): number {
  const needsCsum = (wanted & Offload.Csum) === 0 ? 0 : wanted;
  // ECN is a kind of segment, not a kind of frame: alone it means nothing.
  const usable = (needsCsum & (Offload.Tso4 | Offload.Tso6)) === 0 ? needsCsum & ~Offload.Ecn : needsCsum;
  for (const without of [0, Offload.Uso, Offload.Uso | Offload.Ufo]) {
    if (set(tunOffloads(usable & ~without))) return usable & ~without;
  }
  return set(tunOffloads(usable & Offload.Csum)) ? usable & Offload.Csum : 0;
}

/** What the kernel takes from us, where it agreed to give `agreed`. */
export function takenOffloads(agreed: number): number {
  return ALWAYS_TAKEN | (agreed & (Offload.Uso | Offload.Ufo));
}
