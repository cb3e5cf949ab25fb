import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdtemp, readFile, rm } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PasstHost } from "../stations/passt-host.ts";
import { StationError } from "../stations/station.ts";
import { moduleWire } from "./module-wire.ts";
import type { SocketData } from "./socket-module.ts";
import type { BackendKind, Wire, WirePlan } from "./wire.ts";

/** passt's own: TCP in the longest segments. */
const MTU = 65_520;
const GUEST = "10.86.0.1";
const GATEWAY = "10.86.0.254";
/** Whom passt runs as where the demo is root's; it refuses to be root itself. */
const NOBODY = 65_534;

/** A whole network for one guest, without root: Debian's passt. */
export const passt: BackendKind = {
  usage: "passt",
  summary: "one guest on the host's own network, without root, through passt; the host's loopback is 10.86.0.254",
  guests: { min: 1, max: 1, usual: 1 },
  argument: "none",
  open: openPasst,
};

async function openPasst({ capture }: WirePlan): Promise<Wire> {
  const folder = await mkdtemp(join(tmpdir(), "vmmkit-passt-"));
  const path = join(folder, "passt.sock");
  const [port, forwarded] = [await freePort(), await freePort()];
  const child = await startPasst(folder, path, forwarded).catch(async (error: unknown) => {
    await rm(folder, { recursive: true, force: true });
    throw error;
  });
  return moduleWire({
    module: new URL("./socket-module.ts", import.meta.url),
    capture,
    others: [new PasstHost(GATEWAY, port, forwarded)],
    dataOf: (): SocketData => ({ stream: { connect: { family: "unix", path }, mtu: MTU } }),
    addressOf: () => ({ address: GUEST, prefixBits: 24, mtu: MTU }),
    end: async () => {
      await endOf(child);
      await rm(folder, { recursive: true, force: true });
    },
  });
}

/** Starts passt. It says where it listens when it does. @throws StationError with what it said instead */
async function startPasst(folder: string, path: string, forwardedPort: number): Promise<ChildProcess> {
  const isRoot = process.getuid?.() === 0;
  if (isRoot) await chmod(folder, 0o777);
  const words = ["--foreground", "--one-off", "--ipv4-only", "--socket", path];
  words.push("--address", GUEST, "--netmask", "24", "--gateway", GATEWAY, "-t", `127.0.0.1/${forwardedPort}:80`);
  // It takes what it hands out from an interface with a default route, where there is one.
  if (!(await hasDefaultRoute())) words.push("--interface", "lo");
  const child = spawn("passt", words, {
    stdio: ["ignore", "ignore", "pipe"],
    ...(isRoot && { uid: NOBODY, gid: NOBODY }),
  });
  let said = "";
  await new Promise<void>((resolve, reject) => {
    child.once("error", (error: NodeJS.ErrnoException) =>
      reject(new StationError(error.code === "ENOENT" ? "passt is not here: apt-get install passt" : error.message)),
    );
    child.once("exit", () => reject(new StationError(`passt ended: ${said.trim()}`)));
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      said += text;
      if (said.includes("socket bound at")) resolve();
    });
  });
  return child;
}

async function hasDefaultRoute(): Promise<boolean> {
  // Columns: interface, destination, …, all in hexadecimal.
  const routes = await readFile("/proc/net/route", "utf8").catch(() => "");
  return routes.split("\n").some((line) => line.split("\t")[1] === "00000000");
}

/** A port of the loopback address that nobody has now. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}

/** It ends by itself when its guest is gone; one that had none is told to. */
async function endOf(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, "exit");
  child.kill();
  await ended;
}
