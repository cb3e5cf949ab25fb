import { ensureGuestImage, LinuxGuest } from "@vmmkit/linux-guest";
import { installUdpOut } from "../native/guest-program.ts";
import type { Figure } from "../section.ts";
import { LOADS, type Load } from "./loads.ts";
import { medians, percentileOfAll, pingInTurns, turnsOf } from "./pings.ts";
import type { Site, StandingLoad, Turn } from "./turn.ts";
import { ourWire, ownWire, type Wire } from "./wires.ts";

/** How much is measured. */
export interface Extent {
  /**
   * Guest instructions with each card and load before turns count: the emulator's compiler warms up. On a machine with
   * other work that takes more turns, at most `mostWarmUpTurns`.
   */
  readonly warmUpInstructions: number;
  readonly mostWarmUpTurns: number;
  /** Turns that count. */
  readonly turns: number;
  /** Groups of ten pings for each card, a tenth of them before they count. */
  readonly pingGroups: number;
}

const OWN_NAME = "v86's own card";

/**
 * Measures our card against the emulator's own, both in one guest, load by load in short turns.
 * @param say told what is done
 */
export async function compareCards(extent: Extent, say: (line: string) => void): Promise<Figure[]> {
  const image = await ensureGuestImage();
  // v86 writes a line for each frame that its card has no room for; that would be measured, too.
  globalThis.console.warn = () => {};
  globalThis.console.log = () => {};
  const wires: Wire[] = [];
  const guest = new LinuxGuest({
    image,
    netDevice: "virtio",
    attach: (emulator) => {
      wires.push(ownWire(emulator, [10, 91, 1]), ourWire(emulator, [10, 91, 2]));
      return {};
    },
  });
  try {
    say(`Linux ${await guest.ready()} with both cards`);
    const sites = await bringUp(guest, wires);
    const figures: Figure[] = [];
    const compiled = await installUdpOut(guest);
    if (!compiled) say("No C compiler: what it is needed for is left out");
    for (const load of LOADS) {
      if (load.compiled !== true || compiled) figures.push(await compareLoad(load, sites, extent, say));
    }
    // Last, when the code on the way is compiled.
    figures.push(...(await comparePings(wires, extent.pingGroups, say)));
    return figures;
  } finally {
    await guest.destroy();
  }
}

/** Gives each card its address in the guest. */
async function bringUp(guest: LinuxGuest, wires: readonly Wire[]): Promise<Site[]> {
  // Ours is the one with the address that the bench chose.
  const { output } = await guest.run("grep -l 02:76:6d:6d /sys/class/net/eth*/address");
  const ours = /net\/(eth\d)\//.exec(output)?.[1] ?? "eth1";
  const devices = [ours === "eth0" ? "eth1" : "eth0", ours];
  const sites: Site[] = [];
  for (const [i, wire] of wires.entries()) {
    const [device = "", subnet] = [devices[i], wire.subnet.join(".")];
    await guest.run(`ip link set ${device} up; ip addr add ${subnet}.2/24 dev ${device}; ping -c 1 ${subnet}.1`);
    sites.push({ guest, wire, device });
  }
  return sites;
}

async function compareLoad(
  load: Load,
  sites: readonly Site[],
  { warmUpInstructions, mostWarmUpTurns, turns }: Extent,
  say: (line: string) => void,
): Promise<Figure> {
  const standing: StandingLoad[] = [];
  for (const site of sites) {
    const each = await load.begin(site);
    standing.push(each);
    // The first turn ends with a load at rest, before the other card's begins.
    await each.turn();
  }
  const takeTurn = async (round: number, into: readonly Turn[][], remark: string): Promise<void> => {
    for (const [i, each] of turnsOf(standing, round)) {
      const turn = await each.turn();
      into[i]?.push(turn);
      const rate = `${rateOf(load, turn).toFixed(2)} ${load.unit}, ${instructionsOf(load, [turn]).toFixed(0)} instructions`;
      say(`${load.name}, ${sites[i]?.wire.name}: ${rate} a ${load.per.name}${remark}`);
    }
  };
  const warming: Turn[][] = sites.map(() => []);
  const isWarm = (): boolean => warming.every((turns) => sumOf(turns, "instructions") >= warmUpInstructions);
  for (let round = 0; round < mostWarmUpTurns && !isWarm(); round++) await takeTurn(round, warming, " (warming up)");
  const counted: [Turn[], Turn[]] = [[], []];
  for (let round = 0; round < turns; round++) await takeTurn(round, counted, "");
  for (const each of standing) await each.end();
  const [own, ours] = counted;
  const counts = [ours, own].map((turns) => Math.round(instructionsOf(load, turns)).toLocaleString("en"));
  return {
    name: load.name,
    unit: load.unit,
    lessIsBetter: false,
    rounds: ours.map((turn) => rateOf(load, turn)),
    against: { name: OWN_NAME, rounds: own.map((turn) => rateOf(load, turn)) },
    targetRatio: load.targetRatio,
    note: `${counts.join(" to ")} instructions a ${load.per.name}`,
  };
}

function rateOf({ scale }: Load, { amount, seconds }: Turn): number {
  return amount / scale / seconds;
}

function instructionsOf({ per }: Load, turns: readonly Turn[]): number {
  return (sumOf(turns, "instructions") / sumOf(turns, "amount")) * per.amount;
}

function sumOf(turns: readonly Turn[], what: keyof Turn): number {
  return turns.reduce((sum, turn) => sum + turn[what], 0);
}

async function comparePings(
  wires: readonly Wire[],
  groups: number,
  say: (line: string) => void,
): Promise<readonly Figure[]> {
  await pingInTurns(wires, Math.ceil(groups / 10));
  const [own = [], ours = []] = await pingInTurns(wires, groups);
  const count = ours.flat().length;
  say(`${count} pings of each card`);
  const common = { unit: "ms", lessIsBetter: true, targetRatio: 1 } as const;
  const note = `${count.toLocaleString("en")} of each`;
  return [
    {
      ...common,
      name: "ping from the host, idle guest, p50",
      rounds: medians(ours),
      against: { name: OWN_NAME, rounds: medians(own) },
      note,
    },
    {
      ...common,
      name: "ping from the host, idle guest, p99",
      rounds: [percentileOfAll(ours, 0.99)],
      against: { name: OWN_NAME, rounds: [percentileOfAll(own, 0.99)] },
      note,
    },
  ];
}
