import { ensureGuestImage, type GuestImage, GuestNetwork, type NetworkGuest } from "@vmmkit/linux-guest";
import type { VirtioNetCounters } from "@vmmkit/virtio-net";
import { Capture } from "./capture.ts";
import type { DemoOptions } from "./options.ts";
import type { CardRow, DemoReport, PingRow, TransferResult } from "./report.ts";
import { bringUp, ping, serveData, transfer } from "./scenario.ts";
import type { Screen } from "./screen.ts";

const MTU = 1500;
/** Half of it is the most that a guest's files may take: its own data and what it fetches. */
const GUEST_MEMORY_BYTES = 256 << 20;

/** Guests that are up, each with an address on one network. */
export interface RunningDemo {
  readonly guests: readonly NetworkGuest[];
  readonly kernel: string;
  readonly bootSeconds: readonly number[];
  readonly capture: Capture;
  readonly startedAt: number;
  /** Who gets what the first guest writes to its console. */
  readonly console: { sink: ((text: string) => void) | null };
  /** Ends guests and capture. */
  close(): Promise<void>;
}

/** Makes the guest image if it is not there. */
export async function prepareImage(options: DemoOptions, screen: Screen, signal: AbortSignal): Promise<GuestImage> {
  const { kernel, initrd, bios, vgaBios } = options;
  return ensureGuestImage({
    ...(kernel !== undefined && { kernel }),
    ...(initrd !== undefined && { initrd }),
    ...(bios !== undefined && { bios }),
    ...(vgaBios !== undefined && { vgaBios }),
    onProgress: (step) => screen.image(step),
    signal,
  });
}

/** Boots the guests and gives them addresses. `onStart` gets what has to be closed, before anything can fail. */
export async function startGuests(
  options: DemoOptions,
  image: GuestImage,
  screen: Screen,
  onStart: (close: () => Promise<void>) => void,
): Promise<RunningDemo> {
  const startedAt = performance.now();
  const network = new GuestNetwork(MTU);
  const names = Array.from({ length: options.guests }, (_, i) => `guest ${i + 1}`);
  const capture = new Capture(network.hub, options.capture, names);
  const console: RunningDemo["console"] = { sink: null };
  let closed: Promise<void> | null = null;
  const close = (): Promise<void> => {
    closed ??= network.close().then(() => capture.close());
    return closed;
  };
  onStart(close);
  const guests = names.map((name, i) =>
    network.add({
      name,
      image,
      memoryBytes: GUEST_MEMORY_BYTES,
      shell: options.shell && i === 0,
      ...(i === 0 && { onConsole: (text: string) => console.sink?.(text) }),
      onProgress: (progress) => screen.boot(name, progress),
    }),
  );
  const bootSeconds: number[] = [];
  const kernels = await Promise.all(
    guests.map(async (guest, i) => {
      const kernel = await guest.ready();
      bootSeconds[i] = (performance.now() - startedAt) / 1000;
      await bringUp(guest, i, MTU);
      return kernel;
    }),
  );
  screen.end();
  return { guests, kernel: kernels[0] ?? "", bootSeconds, capture, startedAt, console, close };
}

/** Runs all tests and says what they found. */
export async function runTests(demo: RunningDemo, options: DemoOptions, screen: Screen): Promise<DemoReport> {
  const pings = await pingAll(demo.guests, screen);
  const transfers = await transferAll(demo.guests, options.mebibytes, screen);
  const cards = await Promise.all(demo.guests.map((guest) => cardRow(guest, options.driver)));
  const { file } = demo.capture;
  return {
    kernel: demo.kernel,
    guests: demo.guests.length,
    bootSeconds: demo.bootSeconds,
    pings,
    transfers,
    cards,
    capture: { file: options.capture, frames: file.frames, dropped: file.dropped },
    seconds: (performance.now() - demo.startedAt) / 1000,
    held: pings.every((row) => row.received === row.sent) && transfers.every((row) => row.intact),
  };
}

/** Each guest pings the next, and the last the first. */
async function pingAll(guests: readonly NetworkGuest[], screen: Screen): Promise<PingRow[]> {
  const rows: PingRow[] = [];
  for (const [i, from] of guests.entries()) {
    const toIndex = (i + 1) % guests.length;
    const to = guests[toIndex];
    if (to === undefined) continue;
    screen.say(`${from.name} pings ${to.name}`);
    rows.push(await ping(from, to, toIndex));
  }
  return rows;
}

/** Data goes from the first guest to the second, back, and both ways at once; likewise for each further pair. */
async function transferAll(
  guests: readonly NetworkGuest[],
  mebibytes: number,
  screen: Screen,
): Promise<TransferResult[]> {
  const bytes = mebibytes * 2 ** 20;
  screen.say(`Each guest makes ${mebibytes} MiB of random data`);
  const sums = await Promise.all(guests.map((guest) => serveData(guest, mebibytes)));
  const rows: TransferResult[] = [];
  const go = (from: number, to: number, bothWays: boolean): Promise<TransferResult> => {
    const [source, target] = [guests[from], guests[to]];
    if (source === undefined || target === undefined) throw new RangeError(`no guests ${from} and ${to}`);
    return transfer(source, from, target, { bytes, sum: sums[from] ?? "", bothWays });
  };
  for (let i = 0; i + 1 < guests.length; i++) {
    const [a, b] = [i, i + 1];
    screen.say(`Data goes between guest ${a + 1} and guest ${b + 1}`);
    rows.push(await go(a, b, false));
    rows.push(await go(b, a, false));
    rows.push(...(await Promise.all([go(a, b, true), go(b, a, true)])));
  }
  return rows;
}

async function cardRow(guest: NetworkGuest, driver: string): Promise<CardRow> {
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
