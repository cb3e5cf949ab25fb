import { execFile } from "node:child_process";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { Testpmd } from "@vmmkit/peers";
import { type ServedProcess, serveInProcess } from "@vmmkit/vhost-user";
import type { CardSetup } from "./card.ts";

const run = promisify(execFile);

/** The driver polls on one processor, and what serves its rings on the other; those that take commands sleep. */
const DRIVER_LCORES = "0@0,1@1";
const BACK_END_LCORES = "0@1,1@0";
const BACK_END_CPU = "0";
/** Until both have found each other's pace. */
const SETTLE_MS = 300;

/** What is measured between a driver and a back-end. */
export interface PairCase {
  /** What the driver does: sends, receives, or returns what comes. */
  readonly forward: "txonly" | "rxonly" | "io";
  /** Frame check sequence not counted. */
  readonly bytes: number;
  /** Of the driver: which kind of ring it has. */
  readonly vdev: string;
}

/** What testpmd does at the other end. */
const OPPOSITE = { txonly: "rxonly", rxonly: "txonly", io: "io" } as const;
/** Frames that are under way, in bursts of 32. */
const START = { txonly: "start", rxonly: "start", io: "start tx_first 4" } as const;

/** Serves a driver's rings. */
export interface BackEnd {
  /** The frames of the next round come now. */
  begin(): void;
  /** No more come. */
  rest(): void;
  close(): Promise<void>;
}

/** Our card in a process of its own. */
export async function ourBackEnd(listen: string, data: CardSetup): Promise<BackEnd> {
  const served: ServedProcess = await serveInProcess({ module: new URL("./card.ts", import.meta.url), data, listen });
  await run("taskset", ["-a", "-p", "-c", BACK_END_CPU, String(served.pid)]);
  return { begin: () => {}, rest: () => {}, close: () => served.close() };
}

/** DPDK's own: another testpmd. */
export async function dpdkBackEnd(path: string, { forward, bytes }: PairCase): Promise<BackEnd> {
  const vdev = `net_vhost0,iface=${path}`;
  const testpmd = new Testpmd({ vdev, lcores: BACK_END_LCORES, parameters: ["--no-flush-rx"] });
  await testpmd.ready();
  testpmd.command(`set fwd ${OPPOSITE[forward]}`, `set txpkts ${bytes}`);
  return {
    begin: () => testpmd.command("start"),
    rest: () => testpmd.command("stop"),
    close: async () => {
      await testpmd.finish();
    },
  };
}

/** A driver and what serves its rings. */
export class Pair {
  readonly #driver: Testpmd;
  readonly #backEnd: BackEnd;
  readonly #case: PairCase;

  private constructor(driver: Testpmd, backEnd: BackEnd, each: PairCase) {
    this.#driver = driver;
    this.#backEnd = backEnd;
    this.#case = each;
  }

  /** @param serve what serves the rings at a socket */
  static async start(folder: string, each: PairCase, serve: (path: string) => Promise<BackEnd>): Promise<Pair> {
    const path = join(folder, "net.sock");
    const backEnd = await serve(path);
    // A flood would never be flushed to its end. Frames of the last round in a loop are.
    const parameters = each.forward === "rxonly" ? ["--no-flush-rx"] : [];
    const driver = new Testpmd({
      vdev: `net_virtio_user0,path=${path}${each.vdev}`,
      lcores: DRIVER_LCORES,
      parameters,
    });
    try {
      await driver.ready();
    } catch (error) {
      await driver.destroy();
      await backEnd.close();
      throw error;
    }
    driver.command(`set fwd ${each.forward}`, `set txpkts ${each.bytes}`);
    return new Pair(driver, backEnd, each);
  }

  /** Millions of frames a second that the driver sent or got. */
  async round(milliseconds: number): Promise<number> {
    this.#backEnd.begin();
    this.#driver.command(START[this.#case.forward]);
    await sleep(SETTLE_MS);
    const first = await this.#count();
    await sleep(milliseconds);
    const last = await this.#count();
    this.#driver.command("stop");
    await this.#driver.counts();
    this.#backEnd.rest();
    return (last.frames - first.frames) / (last.atMs - first.atMs) / 1000;
  }

  async close(): Promise<void> {
    await this.#driver.finish();
    await this.#backEnd.close();
  }

  async #count(): Promise<{ frames: number; atMs: number }> {
    const { sent, received } = await this.#driver.counts();
    return { frames: this.#case.forward === "txonly" ? sent : received, atMs: performance.now() };
  }
}
