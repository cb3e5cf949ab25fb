import { Hub } from "@vmmkit/backend-loopback";
import { addVirtioNet, attachVmmkit } from "@vmmkit/v86";
import { V86 } from "v86";
import { HostStation } from "../support/host/host-station.ts";
import { serveTftp } from "../support/host/tftp-server.ts";
import { GuestConsole } from "./guest-console.ts";
import type { PageResult, PageTask } from "./page-messages.ts";

/*
 * What runs in the browser: a guest with our card in v86, and the far side of its wire in the same page. It fetches
 * its task and posts its result to the server that it came from.
 */

const STATION = "10.8.0.1";
const MEMORY_BYTES = 128 << 20;
const VGA_MEMORY_BYTES = 2 << 20;
const PINGS = 20;
const LOG_MS = 5000;

async function main(): Promise<PageResult> {
  const task = (await (await fetch("/task")).json()) as PageTask;
  const emulator = await loadEmulator(task.cmdline);
  // The host on it takes frames as they go over a wire.
  const hub = new Hub({ offloads: 0 });
  const station = new HostStation(hub.port(), STATION);
  serveTftp(station, new Map([["random.bin", new Uint8Array(await bufferOf("/random.bin"))]]));
  const complaints: string[] = [];
  const card = addVirtioNet(attachVmmkit(emulator), hub.port(), { log: (line) => complaints.push(line) });
  const shell = new GuestConsole(emulator);
  setInterval(() => fetch("/log", { method: "POST", body: shell.text }), LOG_MS);
  setJit(emulator, false);
  await emulator.run();
  await shell.ready();
  setJit(emulator, true);
  await shell.run("ip addr add 10.8.0.2/24 dev eth0 && ip link set eth0 up");
  const ping = await shell.run(`ping -q -c ${PINGS} -i 0.1 -W 20 ${STATION}`);
  const md5 = await shell.run(`tftp -g -b 1432 -r random.bin -l /tmp/r ${STATION} && md5sum /tmp/r`);
  const { transmit, receive } = card.counters;
  const frames = { sent: transmit.frames, received: receive.frames };
  await emulator.destroy();
  return { ping, md5: /[0-9a-f]{32}/.exec(md5)?.[0] ?? md5, pingsAnswered: station.pings, frames, complaints };
}

async function loadEmulator(cmdline: string): Promise<V86> {
  const [bios, vgaBios, kernel, initrd] = await Promise.all(["bios", "vgaBios", "kernel", "initrd"].map(bufferOf));
  const emulator = new V86({
    wasm_path: "/v86.wasm",
    memory_size: MEMORY_BYTES,
    vga_memory_size: VGA_MEMORY_BYTES,
    bios: { buffer: bios as ArrayBuffer },
    vga_bios: { buffer: vgaBios as ArrayBuffer },
    bzimage: { buffer: kernel as ArrayBuffer },
    initrd: { buffer: initrd as ArrayBuffer },
    cmdline,
    disable_speaker: true,
    autostart: false,
  });
  await new Promise<void>((resolve) => emulator.add_listener("emulator-loaded", resolve));
  return emulator;
}

/** Whether hot code is compiled: during a boot that costs more than it brings. */
function setJit(emulator: V86, enabled: boolean): void {
  const { cpu } = (emulator as unknown as { v86: { cpu: { set_jit_config(index: number, value: number): void } } }).v86;
  cpu.set_jit_config(0, enabled ? 0 : 1);
}

async function bufferOf(path: string): Promise<ArrayBuffer> {
  return (await fetch(path)).arrayBuffer();
}

main()
  .catch(
    (error: unknown): PageResult => ({
      error: error instanceof Error ? (error.stack ?? error.message) : String(error),
    }),
  )
  .then((result) => fetch("/result", { method: "POST", body: JSON.stringify(result) }));
