import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { loopbackBackend } from "@vmmkit/backend-loopback";
import { Testpmd, whyNoTestpmd } from "@vmmkit/peers";
import { serveVhostUser, type VhostUserBackend } from "@vmmkit/vhost-user";
import { NetDevice } from "@vmmkit/virtio-net";
import { describe, expect, it, onTestFinished } from "vitest";
import { because } from "./support/because.ts";

const impossible = await whyNoTestpmd();

const [MRG_RXBUF, RING_PACKED, IN_ORDER] = [15, 34, 35];
/** Frames that go through before a test has seen enough. */
const ENOUGH = 20_000;
/** Frames that testpmd starts with, and that are under way when it stops. */
const BURST = 32;

interface Bench {
  readonly backend: VhostUserBackend<NetDevice>;
  readonly log: readonly string[];
  readonly testpmd: Testpmd;
}

/** A card whose frames come back, and testpmd at its socket. */
async function start(vdev: string, how: "listen" | "connect" = "listen"): Promise<Bench> {
  const folder = mkdtempSync(join(tmpdir(), "vmmkit-dpdk-"));
  const path = join(folder, "net.sock");
  const log: string[] = [];
  const backend = serveVhostUser({
    ...(how === "listen" ? { listen: path } : { connect: path }),
    makeDevice: (vm, hooks) => new NetDevice(vm, loopbackBackend(), hooks, { log: (line) => log.push(line) }),
    log: (line) => log.push(line),
  });
  const testpmd = new Testpmd({ vdev: `net_virtio_user0,path=${path}${how === "connect" ? ",server=1" : ""}${vdev}` });
  onTestFinished(async () => {
    await testpmd.destroy();
    backend.close();
    rmSync(folder, { recursive: true, force: true });
  });
  await testpmd.ready();
  return { backend, log, testpmd };
}

/** Waits until the card has sent so many frames, or no more come. */
async function untilSent(device: NetDevice, frames: number): Promise<void> {
  for (let last = -1; device.counters.transmit.frames < frames; ) {
    if (device.counters.transmit.frames === last) return;
    last = device.counters.transmit.frames;
    await sleep(2000);
  }
}

describe.skipIf(impossible !== null)(`DPDK's testpmd over vhost-user${because(impossible)}`, () => {
  it.each([
    ["split, in order, mergeable", "", [MRG_RXBUF, IN_ORDER], [RING_PACKED]],
    ["split, in order", ",mrg_rxbuf=0", [IN_ORDER], [MRG_RXBUF, RING_PACKED]],
    ["split, mergeable", ",in_order=0", [MRG_RXBUF], [IN_ORDER, RING_PACKED]],
    ["split", ",in_order=0,mrg_rxbuf=0", [], [MRG_RXBUF, IN_ORDER, RING_PACKED]],
    ["split, its vectorized path", ",vectorized=1,in_order=0,mrg_rxbuf=0", [], [RING_PACKED]],
    ["packed, in order, mergeable", ",packed_vq=1", [RING_PACKED, IN_ORDER, MRG_RXBUF], []],
    ["packed, in order", ",packed_vq=1,mrg_rxbuf=0", [RING_PACKED, IN_ORDER], [MRG_RXBUF]],
    ["packed, mergeable", ",packed_vq=1,in_order=0", [RING_PACKED, MRG_RXBUF], [IN_ORDER]],
    ["packed", ",packed_vq=1,in_order=0,mrg_rxbuf=0", [RING_PACKED], [MRG_RXBUF, IN_ORDER]],
    ["packed, its vectorized path", ",packed_vq=1,vectorized=1,mrg_rxbuf=0", [RING_PACKED], [MRG_RXBUF]],
  ])("%s: what is sent comes back, frame by frame", async (_name, vdev, present, absent) => {
    const { backend, log, testpmd } = await start(vdev);
    const { device } = backend;
    testpmd.command("set fwd io", "start tx_first");
    await untilSent(device, ENOUGH);
    const has = (bit: number): boolean => device.state.hasFeature(bit);
    expect([...present.map(has), ...absent.map((bit) => !has(bit))]).not.toContain(false);
    const { received, sent } = await testpmd.finish();
    const { transmit, receive, transmitQueue, receiveQueue } = device.counters;
    expect(sent).toBeGreaterThanOrEqual(ENOUGH);
    expect(received).toBe(sent - BURST);
    expect([transmit.frames, receive.frames]).toEqual([sent, sent]);
    expect(transmit.bytes).toBe(64 * sent);
    expect([transmitQueue.stopped, receiveQueue.stopped, backend.counters.failures]).toEqual([0, 0, 0]);
    expect(log.filter((line) => !line.startsWith("front-end gone"))).toEqual([]);
  });

  it("frames of 1518 bytes, checksum not counted, and DPDK's end listens", async () => {
    const { backend, testpmd } = await start("", "connect");
    testpmd.command("set txpkts 1514", "set fwd io", "start tx_first");
    await untilSent(backend.device, ENOUGH);
    const { received, sent } = await testpmd.finish();
    expect(received).toBe(sent - BURST);
    expect(backend.device.counters.transmit.bytes).toBe(1514 * sent);
  });

  it("stopped and started again, rings go on where they were", async () => {
    const { backend, testpmd } = await start(",packed_vq=1");
    testpmd.command("set fwd io", "start tx_first");
    await untilSent(backend.device, ENOUGH);
    testpmd.command("stop", "port stop 0", "port start 0", "start tx_first");
    const before = backend.device.counters.transmit.frames;
    await untilSent(backend.device, before + ENOUGH);
    await testpmd.finish();
    expect(backend.device.counters.transmit.frames).toBeGreaterThan(before + ENOUGH);
    expect(backend.counters.failures).toBe(0);
  });
});
