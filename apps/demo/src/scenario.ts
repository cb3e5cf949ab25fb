import type { CommandResult, NetworkGuest } from "@vmmkit/linux-guest";
import { parsePing } from "./ping.ts";
import type { PingRow, TransferResult } from "./report.ts";

/** Something in a guest did not go as it has to. */
class ScenarioError extends Error {
  override readonly name = "ScenarioError";
}

const PINGS = 20;
const PING_INTERVAL_SECONDS = 0.1;
/** Generous: a loaded machine with cold caches moves a megabyte a second. */
const TRANSFER_TIMEOUT_MS = 180_000;
const DATA = "/srv/data";

/** The address of the guest of a number, 0 being the first. */
export function addressOf(index: number): string {
  return `10.86.0.${index + 1}`;
}

/** Brings up a guest's card, and checks that it is the card that we gave it. */
export async function bringUp(guest: NetworkGuest, index: number, mtu: number): Promise<void> {
  await must(guest, `ip link set eth0 mtu ${mtu} up && ip addr add ${addressOf(index)}/24 dev eth0`);
  const link = await must(guest, "ip link show eth0");
  const { mac } = await guest.cardState();
  const expected = Array.from(mac, (byte) => byte.toString(16).padStart(2, "0")).join(":");
  if (!link.output.includes(expected)) {
    throw new ScenarioError(`${guest.name}'s card has another address than ${expected}: ${link.output}`);
  }
}

/** Pings one guest from another. */
export async function ping(from: NetworkGuest, to: NetworkGuest, toIndex: number): Promise<PingRow> {
  const command = `ping -c ${PINGS} -i ${PING_INTERVAL_SECONDS} -W 5 ${addressOf(toIndex)}`;
  const { output } = await from.run(command);
  const result = parsePing(output);
  if (result === null) throw new ScenarioError(`${from.name} could not ping: ${output}`);
  return { from: from.name, to: to.name, ...result };
}

/** Puts random data into a guest and serves it to the others. @returns its checksum */
export async function serveData(guest: NetworkGuest, mebibytes: number): Promise<string> {
  await must(guest, `mkdir -p /srv && dd if=/dev/urandom of=${DATA} bs=1M count=${mebibytes}`);
  const sum = await checksum(guest, DATA);
  await must(guest, "httpd -p 80 -h /srv");
  return sum;
}

/** Fetches the data that another guest serves, and compares. */
export async function transfer(
  from: NetworkGuest,
  fromIndex: number,
  to: NetworkGuest,
  facts: { readonly bytes: number; readonly sum: string; readonly bothWays: boolean },
): Promise<TransferResult> {
  const file = "/tmp/received";
  const start = performance.now();
  const fetched = await to.run(`wget -q -O ${file} http://${addressOf(fromIndex)}/data`, {
    timeoutMs: TRANSFER_TIMEOUT_MS,
  });
  const seconds = (performance.now() - start) / 1000;
  if (fetched.code !== 0) throw new ScenarioError(`${to.name} could not fetch from ${from.name}: ${fetched.output}`);
  const intact = (await checksum(to, file)) === facts.sum;
  await to.run(`rm -f ${file}`);
  return { from: from.name, to: to.name, bytes: facts.bytes, seconds, intact, bothWays: facts.bothWays };
}

async function checksum(guest: NetworkGuest, file: string): Promise<string> {
  const { output } = await must(guest, `md5sum ${file}`);
  return output.split(" ")[0] ?? "";
}

async function must(guest: NetworkGuest, command: string): Promise<CommandResult> {
  const result = await guest.run(command, { timeoutMs: TRANSFER_TIMEOUT_MS });
  if (result.code !== 0) throw new ScenarioError(`${guest.name}: "${command}" failed: ${result.output.trim()}`);
  return result;
}
