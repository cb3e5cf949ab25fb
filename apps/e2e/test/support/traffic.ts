import { randomUUID } from "node:crypto";
import type { CommandResult, RunCommandOptions } from "@vmmkit/linux-guest";

/** A guest that runs shell scripts: one with a card of ours, or another VMM's. */
export interface ShellGuest {
  readonly name: string;
  readonly guest: { run(script: string, options?: RunCommandOptions): Promise<CommandResult> };
  /** Runs a script and answers what it wrote. @throws Error where it fails */
  sh(script: string): Promise<string>;
}

/** What a guest's `ping` said. */
export interface PingResult {
  readonly sent: number;
  readonly received: number;
}

/** How `ping` is called. */
export interface PingOptions {
  readonly count?: number;
  /** Bytes of payload. Default 56. */
  readonly size?: number;
  /** Seconds that an answer may take. Default 20: a guest that waits for its turn on a busy host may take seconds. */
  readonly waitS?: number;
}

/** A file that a guest serves. */
export interface ServedFile {
  /** Its path on the guest's web server. */
  readonly path: string;
  readonly md5: string;
}

/** Pings an address from a guest. */
export async function ping(from: ShellGuest, address: string, options: PingOptions = {}): Promise<PingResult> {
  const { count = 5, size = 56, waitS = 20 } = options;
  const { output } = await from.guest.run(`ping -c ${count} -i 0.1 -W ${waitS} -s ${size} ${address}`, {
    timeoutMs: 300_000,
  });
  const match = /(\d+) packets transmitted, (\d+) packets received/.exec(output);
  if (match === null) throw new Error(`${from.name}: ping ${address} said:\n${output}`);
  return { sent: Number(match[1]), received: Number(match[2]) };
}

/** What `ping` answers where nothing was lost. */
export function noLoss(count: number): PingResult {
  return { sent: count, received: count };
}

/**
 * Serves a file from a guest. It is made of the guest's busybox, about 2 MB a copy (random bytes would cost the guest
 * more than the transfer), behind a line that no other file has, so that its length is odd.
 */
export async function serveFile(guest: ShellGuest, copies: number): Promise<ServedFile> {
  const path = `${copies}.bin`;
  const parts = Array.from({ length: copies }, () => "/bin/busybox").join(" ");
  const sum = await guest.sh(
    `mkdir -p /www && { echo ${randomUUID()}; cat ${parts}; } >/www/${path} && { pidof httpd || httpd -h /www; } >/dev/null
md5sum /www/${path}`,
  );
  return { path, md5: sum.slice(0, 32) };
}

/**
 * Fetches a file that another guest serves.
 * @returns the MD5 of what came
 */
export async function fetchFile(guest: ShellGuest, address: string, file: ServedFile): Promise<string> {
  const sum = await guest.sh(`wget -q -O - http://${address}/${file.path} | md5sum`);
  return sum.slice(0, 32);
}

/** Gives an interface an address in a /24 and turns it on. */
export async function configure(guest: ShellGuest, name: string, address: string): Promise<void> {
  await guest.sh(`ip addr flush dev ${name}; ip addr add ${address}/24 dev ${name} && ip link set ${name} up`);
}

/** Waits until a shell condition holds in a guest. @throws Error where it does not in half a minute or more */
export async function waitUntil(guest: ShellGuest, condition: string): Promise<void> {
  await guest.sh(`n=0; until ${condition}; do n=$((n + 1)); [ $n -lt 600 ] || exit 1; usleep 50000; done`);
}
