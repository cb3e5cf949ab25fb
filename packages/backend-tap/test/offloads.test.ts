import { Offload } from "@vmmkit/ethif";
import { describe, expect, it } from "vitest";
import { ALL_OFFLOADS, agreeOnOffloads, takenOffloads } from "../src/offloads.ts";
import {
  TUN_F_CSUM,
  TUN_F_TSO_ECN,
  TUN_F_TSO4,
  TUN_F_TSO6,
  TUN_F_UFO,
  TUN_F_USO4,
  TUN_F_USO6,
} from "../src/tun-spec.ts";

/** A kernel that knows some bits, and what it was asked last. */
function kernel(known: number): { set: (bits: number) => boolean; last: number } {
  const state = {
    last: -1,
    set: (bits: number): boolean => {
      state.last = bits;
      return (bits & ~known) === 0;
    },
  };
  return state;
}

const OLD = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN;

describe("what the kernel gives", () => {
  it("is what was asked for, where it knows all of it", () => {
    const linux = kernel(0xff);
    expect(agreeOnOffloads(ALL_OFFLOADS, linux.set)).toBe(ALL_OFFLOADS);
    expect(linux.last).toBe(OLD | TUN_F_UFO | TUN_F_USO4 | TUN_F_USO6);
  });

  it("is without what is too new for it", () => {
    const linux = kernel(OLD | TUN_F_UFO);
    expect(agreeOnOffloads(ALL_OFFLOADS, linux.set)).toBe(ALL_OFFLOADS & ~Offload.Uso);
    expect(linux.last).toBe(OLD | TUN_F_UFO);
    expect(agreeOnOffloads(ALL_OFFLOADS, kernel(OLD).set)).toBe(ALL_OFFLOADS & ~(Offload.Uso | Offload.Ufo));
    expect(agreeOnOffloads(ALL_OFFLOADS, kernel(TUN_F_CSUM).set)).toBe(Offload.Csum);
    expect(agreeOnOffloads(ALL_OFFLOADS, kernel(0).set)).toBe(0);
  });

  it("is nothing without checksums: a segment's has to be computed", () => {
    const linux = kernel(0xff);
    expect(agreeOnOffloads(Offload.Tso4, linux.set)).toBe(0);
    expect(linux.last).toBe(0);
  });

  it("has no ECN without TCP segments", () => {
    expect(agreeOnOffloads(Offload.Csum | Offload.Ecn, kernel(0xff).set)).toBe(Offload.Csum);
    expect(agreeOnOffloads(Offload.Csum | Offload.Ecn | Offload.Tso6, kernel(0xff).set)).toBe(
      Offload.Csum | Offload.Ecn | Offload.Tso6,
    );
  });
});

it("what the kernel takes from us: TCP segments in any case, UDP's where it gives them", () => {
  const tcp = Offload.Csum | Offload.Tso4 | Offload.Tso6 | Offload.Ecn;
  expect(takenOffloads(0)).toBe(tcp);
  expect(takenOffloads(Offload.Uso)).toBe(tcp | Offload.Uso);
});
