import {
  type CardedGuest,
  type CardedGuestOptions,
  ensureGuestImage,
  ensureIperf3,
  type GuestImage,
} from "@vmmkit/linux-guest";
import type { VirtioNetCounters } from "@vmmkit/virtio-net";
import type { Wire } from "./backends/wire.ts";
import { negotiated } from "./features.ts";
import type { DemoOptions, DriverKind } from "./options.ts";
import type { CardRow, DemoReport, IperfRow, PingRow, TransferResult } from "./report.ts";
import type { Screen } from "./screen.ts";
import { GuestStation } from "./stations/guest-station.ts";
import type { Station, StationLack } from "./stations/station.ts";

/** Half of it is the most that a guest's files may take: its own data and what it fetches. */
const GUEST_MEMORY_BYTES = 256 << 20;
/** Cards that leave a guest's driver no other choice. */
const CARD_FOR: Record<DriverKind, NonNullable<CardedGuestOptions["card"]>> = {
  legacy: { transport: "legacy" },
  modern: { transport: "modern" },
  packed: { transport: "modern", packed: true },
};
const IPERF_SECONDS = 5;

/** What guests are started from. */
export interface DemoImage extends GuestImage {
  readonly overlays: readonly string[];
}

/** Guests that are up, each with an address on one network. */
export interface RunningDemo {
  readonly guests: readonly CardedGuest[];
  /** The guests, and who else is there. */
  readonly stations: readonly Station[];
  readonly wire: Wire;
  readonly kernel: string;
  readonly bootSeconds: readonly number[];
  readonly startedAt: number;
  /** Who gets what the first guest writes to its console. */
  readonly console: { sink: ((text: string) => void) | null };
}

/** Makes the guest image if it is not there. */
export async function prepareImage(options: DemoOptions, screen: Screen, signal: AbortSignal): Promise<DemoImage> {
  const { kernel, initrd, bios, vgaBios, iperf } = options;
  const image = await ensureGuestImage({
    ...(kernel !== undefined && { kernel }),
    ...(initrd !== undefined && { initrd }),
    ...(bios !== undefined && { bios }),
    ...(vgaBios !== undefined && { vgaBios }),
    onProgress: (step) => screen.image(step),
    signal,
  });
  const overlays = iperf ? [await ensureIperf3({ onProgress: (step) => screen.image(step), signal })] : [];
  return { ...image, overlays };
}

/** Boots the guests and gives them addresses. `onStart` gets what has to be closed, before anything can fail. */
export async function startGuests(
  options: DemoOptions,
  { overlays, ...image }: DemoImage,
  screen: Screen,
  onStart: (close: () => Promise<void>) => void,
): Promise<RunningDemo> {
  const startedAt = performance.now();
  const names = Array.from({ length: options.guests }, (_, i) => `guest ${i + 1}`);
  const { kind, argument } = options.backend;
  const wire = await kind.open({ argument, guests: options.guests, names, capture: options.capture });
  const console: RunningDemo["console"] = { sink: null };
  onStart(() => wire.close());
  const guests = names.map((name, i) =>
    wire.start(i, {
      name,
      image,
      overlays,
      memoryBytes: GUEST_MEMORY_BYTES,
      card: CARD_FOR[options.driver],
      shell: options.shell && i === 0,
      ...(i === 0 && { onConsole: (text: string) => console.sink?.(text) }),
      onProgress: (progress) => screen.boot(name, progress),
    }),
  );
  const bootSeconds: number[] = [];
  const stations = await Promise.all(
    guests.map(async (guest, i) => {
      await guest.ready();
      bootSeconds[i] = (performance.now() - startedAt) / 1000;
      return GuestStation.bringUp(guest, wire.addressOf(i));
    }),
  );
  screen.end();
  const kernel = image.kernelRelease;
  return { guests, stations: [...stations, ...wire.others], wire, kernel, bootSeconds, startedAt, console };
}

/** Runs all tests and says what they found. */
export async function runTests(demo: RunningDemo, options: DemoOptions, screen: Screen): Promise<DemoReport> {
  const pings = await pingAll(demo.stations, screen);
  const transfers = await transferAll(demo.stations, options.mebibytes, screen);
  const iperf = options.iperf ? await iperfAll(demo.stations, screen) : [];
  const cards = await Promise.all(demo.guests.map((guest) => cardRow(guest, options.driver)));
  return {
    kernel: demo.kernel,
    backend: options.backend.text,
    guests: demo.guests.length,
    bootSeconds: demo.bootSeconds,
    pings,
    transfers,
    iperf,
    cards,
    negotiated: await Promise.all(demo.guests.map(negotiated)),
    captures: await demo.wire.captures(),
    seconds: (performance.now() - demo.startedAt) / 1000,
    held: pings.every((row) => row.received === row.sent) && transfers.every((row) => row.intact),
  };
}

/** Each station pings the next, and the last the first. */
async function pingAll(stations: readonly Station[], screen: Screen): Promise<PingRow[]> {
  const rows: PingRow[] = [];
  for (const [i, from] of stations.entries()) {
    const to = stations[(i + 1) % stations.length];
    if (to === undefined || to === from || from.cannot?.includes("ping") || to.cannot?.includes("be pinged")) continue;
    screen.say(`${from.name} pings ${to.name}`);
    rows.push({ from: from.name, to: to.name, ...(await from.ping(to)) });
  }
  return rows;
}

/** Pairs of neighbours, the first and the second, the second and the third, …, both of whom can do something. */
function neighbours(stations: readonly Station[], what: StationLack): [Station, Station][] {
  const able = stations.filter(({ cannot }) => !cannot?.includes(what));
  return able.slice(1).map((second, i) => [able[i] ?? second, second]);
}

/** Data goes from the first station to the second, back, and both ways at once; likewise for each further pair. */
async function transferAll(stations: readonly Station[], mebibytes: number, screen: Screen): Promise<TransferResult[]> {
  const pairs = neighbours(stations, "transfer");
  if (pairs.length === 0) return [];
  screen.say(`Each makes ${mebibytes} MiB of random data`);
  const sums = new Map(
    await Promise.all(
      [...new Set(pairs.flat())].map(async (station) => [station, await station.serve(mebibytes)] as const),
    ),
  );
  const go = async (from: Station, to: Station, bothWays: boolean): Promise<TransferResult> => {
    const { seconds, sum } = await to.fetch(from);
    const intact = sum === sums.get(from);
    return { from: from.name, to: to.name, bytes: mebibytes * 2 ** 20, seconds, intact, bothWays };
  };
  const rows: TransferResult[] = [];
  for (const [a, b] of pairs) {
    screen.say(`Data goes between ${a.name} and ${b.name}`);
    rows.push(await go(a, b, false));
    rows.push(await go(b, a, false));
    rows.push(...(await Promise.all([go(a, b, true), go(b, a, true)])));
  }
  return rows;
}

/** iperf3 each way between neighbours, where both have it. */
async function iperfAll(stations: readonly Station[], screen: Screen): Promise<IperfRow[]> {
  const rows: IperfRow[] = [];
  for (const [a, b] of neighbours(stations, "iperf")) {
    for (const [from, to] of [
      [a, b],
      [b, a],
    ] as const) {
      const end = await to.iperfServer();
      if (end === null) {
        screen.say(`${to.name} has no iperf3`);
        continue;
      }
      screen.say(`iperf3 from ${from.name} to ${to.name}`);
      rows.push({ from: from.name, to: to.name, bitsPerSecond: await from.iperfTo(to, IPERF_SECONDS) });
      await end();
    }
  }
  return rows;
}

async function cardRow(guest: CardedGuest, driver: string): Promise<CardRow> {
  const [counters, state] = await Promise.all([guest.counters(), guest.cardState()]);
  const { transmit, receive, transmitQueue, receiveQueue } = counters;
  const frames = Math.max(1, transmit.frames + receive.frames);
  return {
    guest: guest.name,
    mac: Array.from(state.mac, (byte) => byte.toString(16).padStart(2, "0")).join(":"),
    driver,
    framesSent: transmit.frames,
    framesReceived: receive.frames,
    interruptsPerFrame: (transmitQueue.interrupts + receiveQueue.interrupts) / frames,
    notificationsPerFrame: (transmitQueue.notifications + receiveQueue.notifications) / frames,
    dropped: droppedFrames(counters),
  };
}

function droppedFrames({ transmit, receive }: VirtioNetCounters): number {
  const all = [...Object.values(transmit.dropped), ...Object.values(receive.dropped)];
  return all.reduce((sum, count) => sum + count, 0);
}
