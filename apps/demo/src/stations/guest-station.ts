import type { CardedGuest, CommandResult } from "@vmmkit/linux-guest";
import { type PingResult, parsePing } from "../ping.ts";
import {
  type Fetched,
  HTTP_PORT,
  iperfRate,
  PING_INTERVAL_MS,
  PINGS,
  type Station,
  StationError,
  TRANSFER_TIMEOUT_MS,
} from "./station.ts";

const DATA = "/srv/data";
const RECEIVED = "/tmp/received";

/** Where a guest is on the network. */
export interface GuestAddress {
  readonly address: string;
  readonly prefixBits: number;
  readonly mtu: number;
}

/** Whether somebody in the guest listens at iperf3's port, 5201. */
const LISTENS = "grep -q ':1451 .* 0A ' /proc/net/tcp /proc/net/tcp6";

/** A guest on the network. */
export class GuestStation implements Station {
  readonly name: string;
  readonly address: string;
  readonly guest: CardedGuest;

  constructor(guest: CardedGuest, address: string) {
    this.name = guest.name;
    this.address = address;
    this.guest = guest;
  }

  /** Brings up the guest's card, and checks that it is the card that we gave it. */
  static async bringUp(guest: CardedGuest, { address, prefixBits, mtu }: GuestAddress): Promise<GuestStation> {
    const station = new GuestStation(guest, address);
    await station.#must(`ip link set eth0 mtu ${mtu} up && ip addr add ${address}/${prefixBits} dev eth0`);
    // Who is at the other end may know nobody before they speak: passt does not.
    await guest.run(`arping -U -c 1 -w 1 -I eth0 ${address}`);
    const link = await station.#must("ip link show eth0");
    const { mac } = await guest.cardState();
    const expected = Array.from(mac, (byte) => byte.toString(16).padStart(2, "0")).join(":");
    if (!link.output.includes(expected)) {
      throw new StationError(`${guest.name}'s card has another address than ${expected}: ${link.output}`);
    }
    return station;
  }

  async ping(to: Station): Promise<PingResult> {
    const { output } = await this.guest.run(`ping -c ${PINGS} -i ${PING_INTERVAL_MS / 1000} -W 5 ${to.address}`);
    const result = parsePing(output);
    if (result === null) throw new StationError(`${this.name} could not ping: ${output}`);
    return result;
  }

  async serve(mebibytes: number): Promise<string> {
    await this.#must(`mkdir -p /srv && dd if=/dev/urandom of=${DATA} bs=1M count=${mebibytes}`);
    const sum = await this.#checksum(DATA);
    await this.#must(`httpd -p ${HTTP_PORT} -h /srv`);
    return sum;
  }

  async fetch(from: Station): Promise<Fetched> {
    const start = performance.now();
    const fetched = await this.guest.run(`wget -q -O ${RECEIVED} http://${from.web ?? from.address}/data`, {
      timeoutMs: TRANSFER_TIMEOUT_MS,
    });
    const seconds = (performance.now() - start) / 1000;
    if (fetched.code !== 0) {
      throw new StationError(`${this.name} could not fetch from ${from.name}: ${fetched.output}`);
    }
    const sum = await this.#checksum(RECEIVED);
    await this.guest.run(`rm -f ${RECEIVED}`);
    return { seconds, sum };
  }

  async iperfServer(): Promise<(() => Promise<void>) | null> {
    if ((await this.guest.run("command -v iperf3")).code !== 0) return null;
    await this.#must("iperf3 --server --one-off --daemon --pidfile /run/iperf3.pid");
    // It goes into the background before it listens.
    await this.#must(`for i in $(seq 100); do ${LISTENS} && break; sleep 0.1; done; ${LISTENS}`);
    return async () => void (await this.guest.run("kill $(cat /run/iperf3.pid); rm -f /run/iperf3.pid"));
  }

  async iperfTo(to: Station, seconds: number): Promise<number> {
    const { output } = await this.guest.run(`iperf3 --client ${to.address} --time ${seconds} --json`, {
      timeoutMs: TRANSFER_TIMEOUT_MS,
    });
    return iperfRate(output, this.name);
  }

  async close(): Promise<void> {
    // The wire ends its guests.
  }

  async #checksum(file: string): Promise<string> {
    const { output } = await this.#must(`md5sum ${file}`);
    return output.split(" ")[0] ?? "";
  }

  async #must(command: string): Promise<CommandResult> {
    const result = await this.guest.run(command, { timeoutMs: TRANSFER_TIMEOUT_MS });
    if (result.code !== 0) throw new StationError(`${this.name}: "${command}" failed: ${result.output.trim()}`);
    return result;
  }
}
