import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { PosixError, unshareNetwork } from "@vmmkit/posix";

let state: string | null | undefined;

/**
 * Moves this thread, once, into a network namespace of its own, where nothing but the loopback interface is. Tests
 * run in processes of their own, so nobody else is moved, and it goes when the process does.
 * @returns null, or why it cannot be
 */
export function ownNetwork(): string | null {
  state ??= enter();
  return state === "" ? null : state;
}

function enter(): string {
  if (process.platform !== "linux") return "TAP interfaces are Linux's";
  if (!existsSync("/dev/net/tun")) return "there is no /dev/net/tun here";
  try {
    unshareNetwork();
  } catch (error) {
    if (error instanceof PosixError && error.code === "EPERM") {
      return "a network namespace of one's own takes root (CAP_SYS_ADMIN)";
    }
    throw error;
  }
  // Interfaces that come up would speak by themselves, and take the guest's buffers.
  writeFileSync("/proc/sys/net/ipv6/conf/default/disable_ipv6", "1");
  ip("link set lo up");
  return "";
}

/** Runs `ip`. It is in the namespace of the thread that starts it. */
export function ip(command: string): string {
  return execFileSync("ip", command.split(" "), { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
}

/** Frames that the kernel dropped on the way to an interface's reader, and on the way from it. */
export function kernelDrops(name: string): number {
  const line = readFileSync("/proc/thread-self/net/dev", "utf8")
    .split("\n")
    .find((text) => text.trim().startsWith(`${name}:`));
  const fields = line?.split(":")[1]?.trim().split(/\s+/).map(Number) ?? [];
  // Receive and transmit have eight columns each: bytes, packets, errs, drop, …
  return (fields[3] ?? 0) + (fields[11] ?? 0);
}
