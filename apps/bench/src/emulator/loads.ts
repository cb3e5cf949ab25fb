import { UDP_OUT } from "../native/guest-program.ts";
import { SINK_PORT, SOURCE_PORT } from "../peer/net-peer.ts";
import { measureTurn, type Site, type StandingLoad, sleep, type Turn, untilQuiet } from "./turn.ts";

/** A load on a card, and how it is shown. */
export interface Load {
  readonly name: string;
  readonly unit: string;
  /** What an amount is divided by for `unit`. */
  readonly scale: number;
  /** What our rate is meant to be, as a multiple of that of the emulator's own card. */
  readonly targetRatio: number;
  /** By what the guest's instructions are given: a frame or so many bytes. */
  readonly per: { readonly name: string; readonly amount: number };
  /** It needs a program that has to be compiled. */
  readonly compiled?: true;
  begin(site: Site): Promise<StandingLoad> | StandingLoad;
}

const SMALL_FRAME_BYTES = 60;
const DISCARD_PORT = 9;
const PUMP_MS = 20;
const FLOOD_MS = 1000;
const FLOOD_FRAMES = 64;

const BYTES = { unit: "MB/s", scale: 1e6, per: { name: "KB", amount: 1000 } } as const;
const FRAMES = { unit: "frames/s", scale: 1, per: { name: "frame", amount: 1 } } as const;

/** All loads that are measured by what comes across. */
export const LOADS: readonly Load[] = [
  { name: "TCP out of the guest", ...BYTES, targetRatio: 5, begin: tcpOut },
  { name: "TCP into the guest", ...BYTES, targetRatio: 5, begin: tcpIn },
  { name: `${SMALL_FRAME_BYTES} B out, kernel's packet generator`, ...FRAMES, targetRatio: 2.5, begin: generator },
  { name: "64 B out, datagrams of a process", ...FRAMES, targetRatio: 1.8, compiled: true, begin: udpOut },
  { name: "64 B into the guest", ...FRAMES, targetRatio: 1.8, begin: smallIn },
];

/** A process in the guest that stands still between turns: what it has open stays so. */
function processLoad({ guest, wire }: Site, command: string, count: () => number): StandingLoad {
  const job = guest.start(`exec ${command}`);
  job.result.catch(() => {});
  const pump = setInterval(() => {
    for (const connection of wire.peer.connections.values()) connection.pump();
  }, PUMP_MS);
  return {
    turn: async () => {
      job.kill("CONT");
      const turn = await measureTurn(wire, count);
      job.kill("STOP");
      await untilQuiet(count);
      return turn;
    },
    end: async () => {
      clearInterval(pump);
      job.kill("KILL");
      await job.result.catch(() => {});
      wire.peer.connections.clear();
      wire.peer.bytesToSend = 0;
    },
  };
}

function tcpOut(site: Site): StandingLoad {
  const { peer, subnet } = site.wire;
  const received = (): number => [...peer.connections.values()].reduce((sum, each) => sum + each.received, 0);
  return processLoad(site, `nc ${subnet.join(".")}.1 ${SINK_PORT} -e dd if=/dev/zero bs=64k`, received);
}

function tcpIn(site: Site): StandingLoad {
  const { peer, subnet } = site.wire;
  peer.bytesToSend = Number.MAX_SAFE_INTEGER;
  const acknowledged = (): number => [...peer.connections.values()].reduce((sum, each) => sum + each.acknowledged, 0);
  return processLoad(site, `nc ${subnet.join(".")}.1 ${SOURCE_PORT} -e dd of=/dev/null bs=64k`, acknowledged);
}

/** A process that sends datagrams of 22 bytes. See `installUdpOut`. */
function udpOut(site: Site): StandingLoad {
  const { peer, subnet } = site.wire;
  const address = new DataView(Uint8Array.of(...subnet, 1).buffer).getUint32(0, true);
  return processLoad(site, `${UDP_OUT} ${address} ${DISCARD_PORT << 8}`, () => peer.udpIn);
}

function generator({ guest, wire, device }: Site): StandingLoad {
  const { peer, subnet } = wire;
  const settings = `/proc/net/pktgen/${device}`;
  const prepare = [
    "modprobe pktgen 2>/dev/null || insmod $(find / -name 'pktgen.ko*' | head -n 1) 2>/dev/null",
    `echo "add_device ${device}" > /proc/net/pktgen/kpktgend_0`,
    `echo "count 0" > ${settings}`,
    `echo "pkt_size ${SMALL_FRAME_BYTES}" > ${settings}`,
    `echo "delay 0" > ${settings}`,
    `echo "dst ${subnet.join(".")}.1" > ${settings}`,
    `echo "dst_mac 02:00:00:00:00:01" > ${settings}`,
  ].join("\n");
  return {
    turn: async () => {
      await guest.run(prepare);
      const job = guest.start("echo start > /proc/net/pktgen/pgctrl");
      const turn = await measureTurn(wire, () => peer.framesIn);
      await guest.run("echo stop > /proc/net/pktgen/pgctrl");
      await job.result;
      await guest.run("echo rem_device_all > /proc/net/pktgen/kpktgend_0");
      return turn;
    },
    end: async () => {},
  };
}

/** Frames that the guest's driver counted, while more were offered than it can take. */
function smallIn({ guest, wire, device }: Site): StandingLoad {
  const count = async (): Promise<number> =>
    Number((await guest.run(`cat /sys/class/net/${device}/statistics/rx_packets`)).output);
  const frame = wire.peer.udpFrame(64);
  const flood = async (): Promise<Omit<Turn, "amount">> => {
    const [start, instructions] = [performance.now(), wire.instructions()];
    let seconds = 0;
    while (seconds < FLOOD_MS / 1000) {
      for (let i = 0; i < FLOOD_FRAMES; i++) wire.peer.offer(frame);
      await new Promise((resolve) => setImmediate(resolve));
      seconds = (performance.now() - start) / 1000;
    }
    return { seconds, instructions: (wire.instructions() - instructions) >>> 0 };
  };
  return {
    turn: async () => {
      const first = await count();
      const turn = await flood();
      // What is in the ring now came across in that time, too.
      await sleep(PUMP_MS);
      return { ...turn, amount: (await count()) - first };
    },
    end: async () => {},
  };
}
