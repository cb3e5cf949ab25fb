import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { PosixError, UnsupportedPlatformError, unshareNetwork } from "@vmmkit/posix";
import { libpcapVersion } from "../../src/node/index.ts";

let state: string | undefined;

/**
 * Moves this thread, once, into a network namespace of its own with nothing but a loopback interface, where libpcap may
 * open what it likes. Tests run in processes of their own, so nobody else is moved.
 * @returns null, or why it cannot be
 */
export function ownNetwork(): string | null {
  state ??= enter();
  return state === "" ? null : state;
}

function enter(): string {
  try {
    libpcapVersion();
    unshareNetwork();
  } catch (error) {
    if (error instanceof UnsupportedPlatformError) return error.message;
    if (error instanceof PosixError && error.code === "EPERM") return "a network namespace takes root (CAP_SYS_ADMIN)";
    throw error;
  }
  // Interfaces that come up would speak by themselves, and take the guest's buffers.
  writeFileSync("/proc/sys/net/ipv6/conf/default/disable_ipv6", "1");
  ip("link set lo up");
  return "";
}

/** Runs `ip` in the namespace of this thread. */
export function ip(command: string): string {
  return execFileSync("ip", command.split(" "), { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
}

let pairs = 0;

const pairsByMtu = new Map<number, VethPair>();

/** A cable that earlier tests may have used, as it takes the kernel time to make one. Both its ends are up. */
export function vethPair(mtu: number): VethPair {
  let pair = pairsByMtu.get(mtu);
  if (pair === undefined || !pair.whole) pair = new VethPair(mtu);
  pairsByMtu.set(mtu, pair);
  return pair;
}

/** A virtual cable of the kernel's: what goes into one end comes out of the other. */
export class VethPair {
  /** Names of its ends. */
  readonly near: string;
  readonly far: string;

  constructor(mtu = 1500) {
    const number = pairs++;
    this.near = `near${number}`;
    this.far = `far${number}`;
    ip(`link add ${this.near} mtu ${mtu} type veth peer name ${this.far} mtu ${mtu}`);
    for (const name of [this.far, this.near]) ip(`link set ${name} up`);
    // The kernel takes its time to notice the carrier.
    while (!this.#hasCarrier()) Atomics.wait(PAUSE, 0, 0, 20);
  }

  /** Whether it was not removed, and both ends are up. */
  get whole(): boolean {
    return interfaceLine(this.near) !== undefined && this.#hasCarrier();
  }

  /** Takes it away. */
  remove(): void {
    ip(`link delete ${this.near}`);
  }

  /** Frames that the kernel dropped at either end: its queue for received frames was full. */
  get dropped(): number {
    return drops(this.near) + drops(this.far);
  }

  #hasCarrier(): boolean {
    return [this.near, this.far].every((name) => ip(`-o link show ${name}`).includes("LOWER_UP"));
  }
}

const PAUSE = new Int32Array(new SharedArrayBuffer(4));

/** The kernel's counters of an interface, or undefined where there is none. */
function interfaceLine(name: string): string | undefined {
  const lines = readFileSync("/proc/thread-self/net/dev", "utf8").split("\n");
  return lines.find((line) => line.trim().startsWith(`${name}:`));
}

function drops(name: string): number {
  const fields = interfaceLine(name)?.split(":")[1]?.trim().split(/\s+/).map(Number);
  // Receive and transmit have eight columns each: bytes, packets, errs, drop, …
  return (fields?.[3] ?? 0) + (fields?.[11] ?? 0);
}
