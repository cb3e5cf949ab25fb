import { setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "vitest";
import type { Lab } from "../support/lab.ts";
import { configure, fetchFile, noLoss, ping } from "../support/traffic.ts";

/** The guest is reset with its card kept. */
export function resetTests(lab: () => Lab): void {
  it("reboot in the midst of traffic, both ways", async () => {
    const { bob, carol, small, large } = lab();
    const card = carol.card(0);
    const before = card.counters.receive.frames;
    const load = `while :; do wget -q -O /dev/null http://10.0.0.2/${large.bob.path}; done`;
    const flood = "while :; do ping -q -c 1000 -i 0 -s 1400 10.0.0.2; done";
    const jobs = [load, flood].map((script) => carol.guest.start(script).result.catch(() => null));
    while (card.counters.receive.frames < before + 2000) await sleep(20);
    const frames = { ...card.counters.transmit };
    await carol.guest.reboot();
    await Promise.all(jobs);
    expect(card.running).toBe(true);
    await configure(carol, "eth0", "10.0.0.3");
    expect(await ping(carol, "10.0.0.2", { count: 20 })).toEqual(noLoss(20));
    expect(await ping(bob, "10.0.0.3")).toEqual(noLoss(5));
    expect(await fetchFile(carol, "10.0.0.2", small.bob)).toBe(small.bob.md5);
    expect(card.counters.transmit.frames).toBeGreaterThan(frames.frames);
  });

  it("the machine's reset button", async () => {
    const { carol, small } = lab();
    const card = carol.card(0);
    const frames = card.counters.receive.frames;
    const mac = card.mac;
    carol.pressReset();
    expect(card.running).toBe(false);
    await carol.guest.ready();
    expect(card.mac).toEqual(mac);
    await configure(carol, "eth0", "10.0.0.3");
    expect(await ping(carol, "10.0.0.2")).toEqual(noLoss(5));
    expect(await fetchFile(carol, "10.0.0.2", small.bob)).toBe(small.bob.md5);
    expect(card.counters.receive.frames).toBeGreaterThan(frames);
  });
}
