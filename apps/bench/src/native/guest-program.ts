import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { LinuxGuest } from "@vmmkit/linux-guest";
import { firstCompiler } from "./compiler.ts";

const SOURCE = fileURLToPath(new URL("../../native/udp-out.c", import.meta.url));
const FLAGS = ["-m32", "-march=i686", "-O2", "-s", "-static", "-nostdlib", "-ffreestanding", "-fno-pic", "-no-pie"];
/** Neither asked for, nor of any use to it. */
const LEAN = [
  "-fno-stack-protector",
  "-fno-asynchronous-unwind-tables",
  "-Wl,--build-id=none",
  "-Wl,-z,noseparate-code",
];

/** Where the guest has the program that sends datagrams. */
export const UDP_OUT = "/tmp/udp-out";

/** Compiles the program that sends datagrams and puts it into the guest. @returns false where there is no compiler */
export async function installUdpOut(guest: LinuxGuest): Promise<boolean> {
  const compiler = await firstCompiler();
  if (compiler === null) return false;
  const folder = await mkdtemp(join(tmpdir(), "vmmkit-bench-"));
  try {
    const file = join(folder, "udp-out");
    await promisify(execFile)(compiler.file, [...FLAGS, ...LEAN, "-o", file, SOURCE]);
    const text = (await readFile(file)).toString("base64");
    const { code } = await guest.run(`echo ${text} | base64 -d > ${UDP_OUT} && chmod +x ${UDP_OUT}`);
    if (code !== 0) throw new Error("the guest did not take the program that sends datagrams");
    return true;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
