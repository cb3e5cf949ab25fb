import type { ChildProcess } from "node:child_process";
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { connect } from "node:net";
import { createInterface } from "node:readline";
import { type SocketBackend, streamBackend } from "@vmmkit/backend-socket";
import { ensureQemu } from "@vmmkit/linux-guest";
import { QemuGuest, whyNoQemu } from "@vmmkit/peers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { because } from "./support/because.ts";
import { CardGuest } from "./support/card-guest.ts";
import { TestHost } from "./support/host/test-host.ts";
import { end, PageShell } from "./support/nic/page-shell.ts";
import { configure, fetchFile, noLoss, ping, serveFile, waitUntil } from "./support/traffic.ts";

const PAGE = new URL("../../../docs/qemu.md", import.meta.url);
const impossible = process.arch === "x64" ? await whyNoQemu() : "QEMU with vfio-user is fetched for x64 alone";
const noTap = process.getuid?.() !== 0 || !existsSync("/dev/net/tun") ? "no right to TAP interfaces" : null;

/** A card, as `nic top --json` has it. */
interface Report {
  readonly name: string;
  readonly pid: number;
  readonly restarts: number;
  readonly connected: boolean;
  readonly linkUp: boolean;
  readonly transmit: Counts;
  readonly receive: Counts;
}

interface Counts {
  readonly rings: readonly { readonly frames: number; readonly filled: number; readonly size: number }[];
  readonly frames: number;
  readonly bytes: number;
  readonly interrupts: number;
  readonly dropped: Readonly<Record<string, number>>;
}

interface UplinkCounts {
  readonly frames: number;
  readonly bytes: number;
  readonly failed: number;
}

interface Answer {
  readonly cards: readonly Report[];
  readonly uplinks: readonly { readonly uplink: string; readonly out: UplinkCounts }[];
}

/** What cards and uplinks say, from the control socket itself: to start a command for it takes a second or more. */
async function report(page: PageShell): Promise<Answer> {
  const socket = connect(page.at("nic.ctl"));
  try {
    socket.write('{"do":"top"}\n');
    const [line] = (await once(createInterface({ input: socket }), "line")) as [string];
    return JSON.parse(line) as Answer;
  } finally {
    socket.destroy();
  }
}

async function top(page: PageShell): Promise<readonly Report[]> {
  return (await report(page)).cards;
}

/** A guest in the QEMU of a block of the page. */
function boot(page: PageShell, block: string, qemu: readonly string[] = []): Promise<QemuGuest> {
  return QemuGuest.boot(block, [], { command: page.command(block, qemu), ownMemory: true });
}

// Each command is the page's, and nic a process of its own.
describe.skipIf(impossible !== null)(`two guests of QEMU on a hub of nic's${because(impossible)}`, () => {
  const page = new PageShell(PAGE);
  let nic: ChildProcess;
  let newQemu: string[];
  /** Over vfio-user, in the newer QEMU. */
  let a: QemuGuest;
  /** Over vhost-user, in the machine's own. */
  let b: QemuGuest;

  beforeAll(async () => {
    newQemu = await ensureQemu();
    nic = await page.start("two-cards", 2);
    [a, b] = await Promise.all([boot(page, "vfio-user-guest", newQemu), boot(page, "vhost-user-guest")]);
    await configure(a, "eth0", "10.0.0.1");
    await configure(b, "eth0", "10.0.0.2");
  });

  afterAll(async () => {
    await a?.destroy();
    await b?.destroy();
    await page.close();
  });

  it("ping each other, none lost", async () => {
    expect(await a.sh("cat /sys/class/net/eth0/address")).toBe("52:54:00:00:00:0a");
    expect(await b.sh("cat /sys/class/net/eth0/address")).toBe("52:54:00:00:00:0b");
    expect(await ping(a, "10.0.0.2", { count: 20 })).toEqual(noLoss(20));
    expect(await ping(b, "10.0.0.1", { size: 1400 })).toEqual(noLoss(5));
  });

  it("a file goes each way, and its checksum holds", async () => {
    const [fromA, fromB] = [await serveFile(a, 2), await serveFile(b, 2)];
    expect(await fetchFile(b, "10.0.0.1", fromA)).toBe(fromA.md5);
    expect(await fetchFile(a, "10.0.0.2", fromB)).toBe(fromB.md5);
  });

  it("each frame is counted, and none is dropped once both are up", async () => {
    const before = await top(page);
    expect(await ping(a, "10.0.0.2", { count: 10 })).toEqual(noLoss(10));
    const after = JSON.parse(await page.run("top")) as readonly Report[];
    expect(after.map(({ name, connected, linkUp }) => [name, connected, linkUp])).toEqual([
      ["a", true, true],
      ["b", true, true],
    ]);
    for (const [i, card] of after.entries()) {
      for (const direction of ["transmit", "receive"] as const) {
        expect(card[direction].frames - (before[i]?.[direction].frames ?? 0)).toBeGreaterThanOrEqual(10);
        expect(card[direction].dropped).toEqual(before[i]?.[direction].dropped);
      }
      expect(card.receive.bytes).toBeGreaterThan(4_000_000);
      expect(card.receive.interrupts).toBeGreaterThan(0);
    }
  });

  it("a capture has what the guest sends and gets, and tcpdump reads it", async () => {
    await page.run("capture-start");
    expect(await ping(a, "10.0.0.2", { count: 10 })).toEqual(noLoss(10));
    await page.run("capture-stop");
    const read = execFileSync("tcpdump", ["-n", "-r", page.at("a.pcapng"), "icmp"], { stdio: "pipe" }).toString();
    expect(read.match(/10\.0\.0\.1 > 10\.0\.0\.2: ICMP echo request/g)).toHaveLength(10);
    expect(read.match(/10\.0\.0\.2 > 10\.0\.0\.1: ICMP echo reply/g)).toHaveLength(10);
  });

  it("a cable is pulled: nothing passes, until it is plugged in again", async () => {
    await page.run("link-down");
    expect(await ping(a, "10.0.0.2", { count: 3, waitS: 2 })).toEqual({ sent: 3, received: 0 });
    expect((await top(page)).map(({ linkUp }) => linkUp)).toEqual([true, false]);
    await page.run("link-up");
    expect(await ping(a, "10.0.0.2")).toEqual(noLoss(5));
  });

  it("a guest reboots, and its card works again", async () => {
    await a.reboot();
    await configure(a, "eth0", "10.0.0.1");
    expect(await ping(a, "10.0.0.2")).toEqual(noLoss(5));
  });

  it("the process of the hub is killed: another takes its place, and over vhost-user its guest goes on", async () => {
    await a.destroy();
    const [, before] = await top(page);
    process.kill(before?.pid ?? 0, "SIGKILL");
    const isBack = async (): Promise<boolean> => {
      const [, card] = await top(page);
      return card?.restarts === 1 && card.connected;
    };
    await expect.poll(isBack, { timeout: 60_000, interval: 200 }).toBe(true);
    await waitUntil(b, "[ $(cat /sys/class/net/eth0/carrier) = 1 ]");
    expect(await ping(b, "10.0.0.1", { count: 1, waitS: 1 })).toEqual({ sent: 1, received: 0 });
    expect((await top(page))[1]?.transmit.frames).toBeGreaterThan(0);
  });

  it("nic is killed and started again: over vhost-user its guest goes on, with the newer QEMU too", async () => {
    await end(nic, "SIGKILL");
    nic = await page.start("two-cards", 2);
    await waitUntil(b, "[ $(cat /sys/class/net/eth0/carrier) = 1 ]");
    a = await boot(page, "vfio-user-guest", newQemu);
    await configure(a, "eth0", "10.0.0.1");
    expect(await ping(b, "10.0.0.1", { count: 10 })).toEqual(noLoss(10));
    await b.destroy();
    b = await boot(page, "vhost-user-guest-new", newQemu);
    await configure(b, "eth0", "10.0.0.2");
    expect(await b.sh("grep -c virtio0 /proc/interrupts")).toBe("3");
    expect(await ping(b, "10.0.0.1", { count: 10 })).toEqual(noLoss(10));
  });

  it("nic ends at SIGTERM: the guests live, and the sockets are gone", async () => {
    expect(await end(nic, "SIGTERM")).toBe(0);
    expect(await a.sh("echo alive")).toBe("alive");
    expect(await b.sh("echo alive")).toBe("alive");
    expect(["a.sock", "b.sock", "nic.ctl"].filter((name) => existsSync(page.at(name)))).toEqual([]);
  });
});

/** What `nic doctor --json` says. */
interface Diagnosis {
  readonly commands: { readonly nic: string; readonly qemu: string };
}

describe.skipIf(impossible !== null)(`nic doctor${because(impossible)}`, () => {
  it.concurrent.each(["the machine's QEMU", "a newer one"])(
    "the commands that it prints for %s start a guest with a card",
    async (which) => {
      const page = new PageShell(PAGE);
      const qemu = which === "a newer one" ? await ensureQemu() : [];
      page.add("doctor", "nic doctor --json");
      const { commands } = JSON.parse(await page.run("doctor", [], qemu)) as Diagnosis;
      page.add("serve", `${commands.nic} --control nic.ctl`);
      page.add("guest", commands.qemu);
      let guest: QemuGuest | null = null;
      try {
        await page.start("serve", 1);
        guest = await boot(page, "guest", qemu);
        await configure(guest, "eth0", "10.0.0.1");
        await guest.guest.run("ping -c 1 -W 1 10.0.0.2");
        expect(commands.nic.includes("--vfio-user")).toBe(qemu.length > 0);
        expect((await top(page))[0]?.transmit.frames).toBeGreaterThan(0);
      } finally {
        await guest?.destroy();
        await page.close();
      }
    },
  );
});

describe.skipIf((impossible ?? noTap) !== null)(
  `QEMU and the host on nic's TAP card${because(impossible ?? noTap)}`,
  () => {
    const page = new PageShell(PAGE);
    let host: TestHost;
    let nic: ChildProcess;
    let guest: QemuGuest;

    beforeAll(async () => {
      host = new TestHost("nic");
      host.sh(page.text("tap-interface"));
      nic = await page.start("tap-card", 1, ["ip", "netns", "exec", host.name]);
      guest = await boot(page, "tap-guest");
      await configure(guest, "eth0", "10.0.0.2");
    });

    afterAll(async () => {
      await guest?.destroy();
      await page.close();
      host?.close();
    });

    it("guest and host ping each other, none lost", async () => {
      expect(await ping(guest, "10.0.0.1", { count: 20 })).toEqual(noLoss(20));
      expect(await host.ping("10.0.0.2", 10)).toBe(10);
    });

    it("the host fetches a file from the guest, and its checksum holds", async () => {
      const served = await serveFile(guest, 2);
      expect(await host.fetch(`http://10.0.0.2/${served.path}`)).toBe(served.md5);
    });

    it("the guest has four pairs of queues, and uses more than one", async () => {
      expect(await guest.sh("ls -d /sys/class/net/eth0/queues/tx-* | wc -l")).toBe("4");
      const pings = [0, 1, 2, 3].map((cpu) => `taskset -c ${cpu} ping -c 3 -i 0.2 -W 20 10.0.0.1`).join(" && ");
      expect((await guest.sh(pings)).match(/3 packets received/g)).toHaveLength(4);
      const [card] = await top(page);
      for (const direction of ["transmit", "receive"] as const) {
        const rings = card?.[direction].rings ?? [];
        expect(rings.map(({ size }) => size)).toEqual([256, 256, 256, 256]);
        expect(rings.filter(({ frames }) => frames > 0).length).toBeGreaterThan(1);
      }
      // What the guest sends is on its way; what it has posted for us is there.
      expect(card?.receive.rings.every(({ filled }) => filled > 100)).toBe(true);
    });

    it("nothing of nic is root any more", async () => {
      const [card] = await top(page);
      for (const pid of [nic.pid, card?.pid]) {
        const status = readFileSync(`/proc/${pid}/status`, "utf8");
        expect(status).toMatch(/^Uid:\t65534\t/m);
        expect(status).toMatch(/^CapEff:\t0+$/m);
      }
    });
  },
);

describe.skipIf((impossible ?? noTap) !== null)(
  `QEMU, v86 and the host on nic's hub${because(impossible ?? noTap)}`,
  () => {
    const page = new PageShell(PAGE);
    let host: TestHost;
    let qemu: QemuGuest;
    let v86: CardGuest;
    let backend: SocketBackend;
    const [HOST, QEMU, V86] = ["10.0.0.1", "10.0.0.2", "10.0.0.3"] as const;

    beforeAll(async () => {
      host = new TestHost("hub");
      host.sh(page.text("hub-interface"));
      await page.start("hub-uplinks", 1, ["ip", "netns", "exec", host.name]);
      backend = streamBackend({ connect: { family: "unix", path: page.at("hub.sock") } });
      [qemu, v86] = await Promise.all([boot(page, "vhost-user-guest"), CardGuest.boot("v86", [{ backend }])]);
      await configure(qemu, "eth0", QEMU);
      await configure(v86, "eth0", V86);
    });

    afterAll(async () => {
      await qemu?.destroy();
      await v86?.destroy();
      await backend?.close();
      await page.close();
      host?.close();
    });

    it("each pings the others, none lost", async () => {
      for (const address of [HOST, V86]) expect(await ping(qemu, address)).toEqual(noLoss(5));
      for (const address of [HOST, QEMU]) expect(await ping(v86, address)).toEqual(noLoss(5));
      for (const address of [QEMU, V86]) expect(await host.ping(address, 5)).toBe(5);
    });

    it("files go between them, and their checksums hold", async () => {
      const [fromQemu, fromV86] = [await serveFile(qemu, 1), await serveFile(v86, 1)];
      expect(await fetchFile(v86, QEMU, fromQemu)).toBe(fromQemu.md5);
      expect(await fetchFile(qemu, V86, fromV86)).toBe(fromV86.md5);
      expect(await host.fetch(`http://${QEMU}/${fromQemu.path}`)).toBe(fromQemu.md5);
    });

    it("to the host segments go as the guest makes them, and to v86 as the wire takes them", async () => {
      const { uplinks: before } = await report(page);
      const file = await serveFile(qemu, 2);
      expect(await host.fetch(`http://${QEMU}/${file.path}`)).toBe(file.md5);
      expect(await fetchFile(v86, QEMU, file)).toBe(file.md5);
      const { uplinks: after } = await report(page);
      const bytesPerFrame = after.map(({ out }, i) => {
        const { frames = 0, bytes = 0 } = before[i]?.out ?? {};
        return (out.bytes - bytes) / (out.frames - frames);
      });
      expect(after.map(({ uplink, out }) => [uplink, out.failed])).toEqual([
        ["tap:vmm1", 0],
        ["socket:listen:hub.sock", 0],
      ]);
      // The hub floods nothing to either that is for the other, so this is the file's.
      expect(bytesPerFrame[0]).toBeGreaterThan(3000);
      expect(after[1]?.out.bytes).toBeGreaterThan(4_000_000);
    });
  },
);
