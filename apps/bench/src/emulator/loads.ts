import type { LinuxGuest } from "@vmmkit/linux-guest";
import { percentile } from "../measure/percentile.ts";
import { UDP_OUT } from "../native/guest-program.ts";
import { SINK_PORT, SOURCE_PORT } from "../peer/net-peer.ts";
import type { Wire } from "./wires.ts";

/** A load on a wire; answers its figure. */
export interface Load {
  readonly name: string;
  readonly unit: string;
  /** Whether less is better. */
  readonly lessIsBetter: boolean;
  /** What ours is meant to be, as a multiple of the emulator's own. */
  readonly targetRatio: number;
  /** It needs a program that has to be compiled. */
  readonly compiled?: true;
  run(guest: LinuxGuest, wire: Wire, device: string): Promise<number>;
}

const BULK_SECONDS = 4;
const PINGS = 300;
const PING_GAP_MS = 5;
const SMALL_FRAME_BYTES = 60;
/** A second of it, and more: the card needs a tenth to find out how such a guest is best served. */
const PACKET_COUNT = 200_000;
const DISCARD_PORT = 9;

/** Everything that is measured on each card. */
export const LOADS: readonly Load[] = [
  { name: "TCP out of the guest", unit: "MB/s", lessIsBetter: false, targetRatio: 5, run: tcpOut },
  { name: "TCP into the guest", unit: "MB/s", lessIsBetter: false, targetRatio: 5, run: tcpIn },
  {
    name: `${SMALL_FRAME_BYTES} B out, kernel's packet generator`,
    unit: "frames/s",
    lessIsBetter: false,
    targetRatio: 2.5,
    run: smallOut,
  },
  {
    name: "64 B out, datagrams of a process",
    unit: "frames/s",
    lessIsBetter: false,
    targetRatio: 1.8,
    compiled: true,
    run: udpOut,
  },
  { name: "64 B into the guest", unit: "frames/s", lessIsBetter: false, targetRatio: 1.8, run: smallIn },
  // Last, when the code on the way is compiled.
  ...[50, 99].map((percent) => ({
    name: `ping from the host, idle guest, p${percent}`,
    unit: "ms",
    lessIsBetter: true,
    targetRatio: 1,
    run: (_guest: LinuxGuest, wire: Wire) => pingIdle(wire, percent / 100),
  })),
];

/** @param share which of the times, in order: 0.5 for the median */
async function pingIdle({ peer }: Wire, share: number): Promise<number> {
  const times: number[] = [];
  for (let i = 0; i < PINGS; i++) {
    await sleep(PING_GAP_MS);
    times.push((await peer.ping()) ?? 1000);
  }
  times.sort((a, b) => a - b);
  return percentile(times, share);
}

/** A process that sends datagrams of 22 bytes. See `installUdpOut`. */
async function udpOut(guest: LinuxGuest, { peer, subnet }: Wire): Promise<number> {
  const before = peer.udpIn;
  const address = new DataView(Uint8Array.of(...subnet, 1).buffer).getUint32(0, true);
  const job = guest.start(`exec ${UDP_OUT} ${address} ${DISCARD_PORT << 8}`);
  await until(() => peer.udpIn > before);
  const rate = await rateOf(() => peer.udpIn);
  job.kill("KILL");
  await job.result.catch(() => {});
  return rate;
}

async function tcpOut(guest: LinuxGuest, { peer, subnet }: Wire): Promise<number> {
  const job = guest.start(`exec nc ${subnet.join(".")}.1 ${SINK_PORT} -e dd if=/dev/zero bs=64k`);
  await until(() => peer.bytesIn > 0);
  const received = (): number => [...peer.connections.values()].reduce((sum, { received }) => sum + received, 0);
  const rate = await rateOf(received);
  job.kill("KILL");
  await job.result.catch(() => {});
  peer.connections.clear();
  return rate / 1e6;
}

async function tcpIn(guest: LinuxGuest, { peer, subnet }: Wire): Promise<number> {
  peer.bytesToSend = Number.MAX_SAFE_INTEGER;
  const job = guest.start(`exec nc ${subnet.join(".")}.1 ${SOURCE_PORT} -e dd of=/dev/null bs=64k`);
  const pump = setInterval(() => {
    for (const connection of peer.connections.values()) connection.pump();
  }, 20);
  const acknowledged = (): number => [...peer.connections.values()].reduce((sum, c) => sum + c.acknowledged, 0);
  await until(() => acknowledged() > 0);
  const rate = await rateOf(acknowledged);
  clearInterval(pump);
  job.kill("KILL");
  await job.result.catch(() => {});
  peer.connections.clear();
  peer.bytesToSend = 0;
  return rate / 1e6;
}

async function smallOut(guest: LinuxGuest, { peer, subnet }: Wire, device: string): Promise<number> {
  const before = peer.framesIn;
  const generator = `/proc/net/pktgen/${device}`;
  await guest.run(
    [
      "modprobe pktgen 2>/dev/null || insmod $(find / -name 'pktgen.ko*' | head -n 1) 2>/dev/null",
      `echo "add_device ${device}" > /proc/net/pktgen/kpktgend_0`,
      `echo "count ${PACKET_COUNT}" > ${generator}`,
      `echo "pkt_size ${SMALL_FRAME_BYTES}" > ${generator}`,
      `echo "delay 0" > ${generator}`,
      `echo "dst ${subnet.join(".")}.1" > ${generator}`,
      `echo "dst_mac 02:00:00:00:00:01" > ${generator}`,
    ].join("\n"),
  );
  const job = guest.start("echo start > /proc/net/pktgen/pgctrl");
  await until(() => peer.framesIn > before);
  const start = performance.now();
  const first = peer.framesIn;
  await job.result;
  const seconds = (performance.now() - start) / 1000;
  await guest.run("echo rem_device_all > /proc/net/pktgen/kpktgend_0");
  return (peer.framesIn - first) / seconds;
}

/** Frames that the guest's driver counted, while more were offered than it can take. */
async function smallIn(guest: LinuxGuest, wire: Wire, device: string): Promise<number> {
  const count = async (): Promise<number> =>
    Number((await guest.run(`cat /sys/class/net/${device}/statistics/rx_packets`)).output);
  const frame = wire.peer.udpFrame(64);
  const first = await count();
  const start = performance.now();
  while (performance.now() - start < BULK_SECONDS * 1000) {
    for (let i = 0; i < 64; i++) wire.peer.offer(frame);
    await new Promise((resolve) => setImmediate(resolve));
  }
  const seconds = (performance.now() - start) / 1000;
  return ((await count()) - first) / seconds;
}

/** How fast a count grows. */
async function rateOf(count: () => number): Promise<number> {
  const first = count();
  const start = performance.now();
  await sleep(BULK_SECONDS * 1000);
  return ((count() - first) / (performance.now() - start)) * 1000;
}

async function until(condition: () => boolean): Promise<void> {
  const deadline = performance.now() + 30_000;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error("the guest did not begin its load in 30 s");
    await sleep(5);
  }
}

function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
