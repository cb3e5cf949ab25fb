import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ensureIperf3, ensureQemu } from "@vmmkit/linux-guest";
import { QemuGuest, sharedMemory } from "@vmmkit/peers";
import { missingForTap } from "../measure/installed.ts";
import type { Figure, Section, SectionContext } from "../section.ts";
import { BenchNetwork } from "../tap/bench-network.ts";
import { type Carrier, endCarriers, makeCarriers } from "./carrier.ts";
import { FIGURES, measureRound } from "./loads.ts";

/** Our card over vhost-user and over vfio-user against QEMU's own virtio-net, each on a TAP interface, in one guest. */
export const qemu: Section = {
  name: "qemu",
  about: "ping and TCP through our card in QEMU, over vhost-user and vfio-user, against QEMU's own virtio-net",
  inShort: false,
  missing: async () =>
    (await missingForTap([
      ["ip", "network namespaces"],
      ["iperf3", "TCP"],
      ["ping", "round trips"],
    ])) ?? (await whyNoNewQemu()),
  async run(context) {
    const network = new BenchNetwork("qemu");
    const folder = mkdtempSync(join(tmpdir(), "vmmkit-bench-"));
    let carriers: readonly Carrier[] = [];
    let guest: QemuGuest | null = null;
    try {
      carriers = await makeCarriers(network, folder);
      guest = await boot(network, carriers);
      return await measure(guest, network, carriers, context);
    } finally {
      await guest?.destroy();
      await endCarriers(carriers);
      network.close();
      rmSync(folder, { recursive: true, force: true });
    }
  },
};

/** The QEMU that has vfio-user is fetched, with all that it needs. */
async function whyNoNewQemu(): Promise<string | null> {
  return ensureQemu().then(
    () => null,
    (error: unknown) => `no QEMU with vfio-user: ${error instanceof Error ? error.message : String(error)}`,
  );
}

/** One guest with all of the cards: they take turns, and share all else. */
async function boot(network: BenchNetwork, carriers: readonly Carrier[]): Promise<QemuGuest> {
  const [program = "", ...args] = await ensureQemu();
  const [file, inNetwork] = network.command(program, ...args);
  const guest = await QemuGuest.boot("QEMU's guest", [], {
    command: [file, ...inNetwork],
    parameters: [...sharedMemory("q35"), ...carriers.flatMap(({ parameters }) => parameters)],
    overlays: [await ensureIperf3()],
  });
  try {
    for (const { mac, subnet } of carriers) {
      await guest.sh(`at=$(grep -l ${mac} /sys/class/net/eth*/address); at=\${at%/address}; name=\${at##*/}
ip addr add ${subnet}.2/24 dev $name; ip link set $name up`);
    }
    await guest.sh("iperf3 --server --daemon");
    return guest;
  } catch (error) {
    await guest.destroy();
    throw error;
  }
}

async function measure(
  guest: QemuGuest,
  network: BenchNetwork,
  carriers: readonly Carrier[],
  { short, say }: SectionContext,
): Promise<Figure[]> {
  const pids = [guest.pid, ...carriers.map(({ process }) => process?.pid).filter((pid) => pid !== undefined)];
  const rounds = carriers.map(() => FIGURES.map((): number[] => []));
  // The first warms up QEMU's translations and the engine's compilers.
  for (let round = -1; round < (short ? 2 : 5); round++) {
    for (const [i, carrier] of carriers.entries()) {
      const figures = await measureRound(network, carrier.subnet, pids, short);
      say(
        `${carrier.name}: ${FIGURES.map(({ name, unit }, f) => `${name} ${figures[f]?.toFixed(2)} ${unit}`).join(", ")}`,
      );
      if (round >= 0) for (const [f, figure] of figures.entries()) rounds[i]?.[f]?.push(figure);
    }
  }
  const [own = [], ...ours] = rounds;
  return ours.flatMap((figures, i) =>
    FIGURES.map(({ name, unit, lessIsBetter }, f) => ({
      name: `${name}, ${carriers[i + 1]?.name}`,
      unit,
      lessIsBetter,
      rounds: figures[f] ?? [],
      against: { name: carriers[0]?.name ?? "", rounds: own[f] ?? [] },
    })),
  );
}
