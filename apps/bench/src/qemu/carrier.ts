import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { BenchNetwork } from "../tap/bench-network.ts";

const NIC = fileURLToPath(new URL("../../../nic/bin/nic.js", import.meta.url));

/** One of a guest's cards, and the TAP interface that carries its frames. */
export interface Carrier {
  readonly name: string;
  /** The interface, on which the host has an address. */
  readonly tap: string;
  /** The first three bytes of the addresses: the host is .1, the guest .2. */
  readonly subnet: string;
  readonly mac: string;
  /** What QEMU is told. */
  readonly parameters: readonly string[];
  /** The process that carries the frames; null where QEMU itself does. */
  readonly process: ChildProcess | null;
}

/** Makes an interface for each kind of card, alike, and starts what serves ours. Modern cards, all of them. */
export async function makeCarriers(network: BenchNetwork, folder: string): Promise<Carrier[]> {
  const carriers: Carrier[] = [];
  try {
    for (const [i, kind] of KINDS.entries()) {
      const [tap, subnet, mac] = [`bench${i}`, `10.77.${i + 1}`, `52:54:00:00:77:0${i + 1}`];
      network.run("ip", "tuntap", "add", "dev", tap, "mode", "tap", "vnet_hdr");
      network.run("ip", "addr", "add", `${subnet}.1/24`, "dev", tap);
      network.run("ip", "link", "set", tap, "up");
      const socket = `${folder}/${tap}.sock`;
      const nic = kind.nic === null ? null : ["serve", kind.nic, socket, "--mac", mac, "--backend", `tap:${tap}`];
      const process = nic === null ? null : await startNic(network, [...nic, ...kind.more]);
      carriers.push({ name: kind.name, tap, subnet, mac, parameters: kind.parameters({ tap, mac, socket }), process });
    }
    return carriers;
  } catch (error) {
    await endCarriers(carriers);
    throw error;
  }
}

/** Ends what serves them. */
export async function endCarriers(carriers: readonly Carrier[]): Promise<void> {
  for (const { process } of carriers) {
    if (process === null || process.exitCode !== null) continue;
    const ended = new Promise((resolve) => process.once("exit", resolve));
    process.kill("SIGTERM");
    await ended;
  }
}

interface Place {
  readonly tap: string;
  readonly mac: string;
  readonly socket: string;
}

/** The first is what the others are compared with. */
const KINDS: readonly {
  readonly name: string;
  /** The option of `nic serve`, and those behind it; null for QEMU's own. */
  readonly nic: string | null;
  readonly more: readonly string[];
  readonly parameters: (place: Place) => string[];
}[] = [
  {
    name: "QEMU's own",
    nic: null,
    more: [],
    parameters: ({ tap, mac }) => [
      ...["-netdev", `tap,id=own,ifname=${tap},script=no,downscript=no,vnet_hdr=on`],
      ...["-device", `virtio-net-pci,netdev=own,mac=${mac},romfile=,disable-legacy=on`],
    ],
  },
  {
    name: "ours over vhost-user",
    nic: "--vhost-user",
    more: [],
    parameters: ({ mac, socket }) => [
      ...["-chardev", `socket,id=vhost,path=${socket}`, "-netdev", "vhost-user,id=vhost,chardev=vhost"],
      ...["-device", `virtio-net-pci,netdev=vhost,mac=${mac},romfile=,disable-legacy=on`],
    ],
  },
  {
    name: "ours over vfio-user",
    nic: "--vfio-user",
    more: ["--driver", "modern"],
    parameters: ({ socket }) => [
      "-device",
      JSON.stringify({ driver: "vfio-user-pci", socket: { type: "unix", path: socket } }),
    ],
  },
];

/** Starts `nic` in the network, and waits until VMMs may come. */
async function startNic(network: BenchNetwork, args: readonly string[]): Promise<ChildProcess> {
  const nic = spawn(...network.command(process.execPath, NIC, ...args), { stdio: ["ignore", "pipe", "inherit"] });
  await new Promise((resolve, reject) => {
    nic.stdout.once("data", resolve);
    nic.once("exit", (code) => reject(new Error(`nic ${args.join(" ")} ended with ${code}`)));
  });
  return nic;
}
