import { ensureGuestImage, LinuxGuest } from "@vmmkit/linux-guest";
import { installUdpOut } from "../native/guest-program.ts";
import { LOADS, type Load } from "./loads.ts";
import { ourWire, ownWire, type Wire } from "./wires.ts";

/** One load on both cards of one guest: the rounds' figures, in turns. */
export interface Comparison {
  readonly load: Load;
  readonly own: readonly number[];
  readonly ours: readonly number[];
}

/** The first rounds warm the emulator's compiler up; their figures mean nothing. */
const WARM_UP_ROUNDS = 4;

/**
 * Measures our card against the emulator's own, both in one guest, load by load and round by round in turns.
 * @param rounds how many count
 * @param loads which of them
 * @param say told what is done
 */
export async function compareCards(
  rounds: number,
  say: (line: string) => void,
  loads: readonly Load[] = LOADS,
): Promise<Comparison[]> {
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
    const devices = await bringUp(guest, wires);
    const comparisons: Comparison[] = [];
    const compiled = await installUdpOut(guest);
    if (!compiled) say("No C compiler: what it is needed for is left out");
    for (const load of loads) {
      if (load.compiled === true && !compiled) continue;
      const figures: [number[], number[]] = [[], []];
      for (let round = -WARM_UP_ROUNDS; round < rounds; round++) {
        for (const [i, wire] of wires.entries()) {
          const figure = await load.run(guest, wire, devices[i] ?? "");
          say(`${load.name}, ${wire.name}: ${figure.toFixed(3)} ${load.unit}${round < 0 ? " (warming up)" : ""}`);
          if (round >= 0) figures[i]?.push(figure);
        }
      }
      comparisons.push({ load, own: figures[0], ours: figures[1] });
    }
    return comparisons;
  } finally {
    await guest.destroy();
  }
}

/** Gives each device its address. @returns their names, in the order of the wires */
async function bringUp(guest: LinuxGuest, wires: readonly Wire[]): Promise<string[]> {
  // Ours is the one with the address that the bench chose.
  const { output } = await guest.run("grep -l 02:76:6d:6d /sys/class/net/eth*/address");
  const ours = /net\/(eth\d)\//.exec(output)?.[1] ?? "eth1";
  const devices = [ours === "eth0" ? "eth1" : "eth0", ours];
  for (const [i, wire] of wires.entries()) {
    const [device, subnet] = [devices[i], wire.subnet.join(".")];
    await guest.run(`ip link set ${device} up; ip addr add ${subnet}.2/24 dev ${device}; ping -c 1 ${subnet}.1`);
  }
  return devices;
}
