import type { CardGuest } from "./card-guest.ts";

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
}

const FILE = "/www/bulk";

/** Pings an address from a guest. */
export async function ping(from: CardGuest, address: string, options: PingOptions = {}): Promise<PingResult> {
  const { count = 5, size = 56 } = options;
  // A guest that waits for its turn on a busy host may take seconds to answer.
  const { output } = await from.guest.run(`ping -c ${count} -i 0.1 -W 20 -s ${size} ${address}`, {
    timeoutMs: 120_000,
  });
  const match = /(\d+) packets transmitted, (\d+) packets received/.exec(output);
  if (match === null) throw new Error(`${from.name}: ping ${address} said:\n${output}`);
  return { sent: Number(match[1]), received: Number(match[2]) };
}

/**
 * Starts a web server in a guest, with one file of random bytes.
 * @returns the file's MD5
 */
export async function serveFile(guest: CardGuest, bytes: number): Promise<string> {
  await guest.sh(`mkdir -p /www && head -c ${bytes} /dev/urandom >${FILE} && (pidof httpd || httpd -h /www)`);
  const sum = await guest.sh(`md5sum ${FILE}`);
  return sum.slice(0, 32);
}

/**
 * Fetches what `serveFile` serves at an address.
 * @returns the MD5 of what came
 */
export async function fetchFile(guest: CardGuest, address: string): Promise<string> {
  const sum = await guest.sh(`wget -q -O - http://${address}/bulk | md5sum`);
  return sum.slice(0, 32);
}

/** Gives an interface an address in a /24 and turns it on. */
export async function configure(guest: CardGuest, name: string, address: string): Promise<void> {
  await guest.sh(`ip addr flush dev ${name}; ip addr add ${address}/24 dev ${name} && ip link set ${name} up`);
}
