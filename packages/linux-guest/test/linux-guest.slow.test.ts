import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { GuestOptionError, GuestStoppedError, GuestTimeoutError, LinuxGuest } from "../src/index.ts";
import { attach } from "./support/attachment.ts";
import { guestImage, withoutGuest } from "./support/image.ts";

const reason = withoutGuest === false ? "" : ` (skipped: ${withoutGuest})`;

test("an impossible amount of memory is refused", () => {
  const image = { kernel: "", initrd: "", bios: "", vgaBios: "", kernelRelease: "", cmdline: "" };
  expect(() => new LinuxGuest({ image, memoryBytes: 64 << 20 })).toThrow(GuestOptionError);
});

test("a file that is not there comes out at ready()", async () => {
  const image = { kernel: "/no", initrd: "/no", bios: "/no", vgaBios: "/no", kernelRelease: "", cmdline: "" };
  const guest = new LinuxGuest({ image });
  await expect(guest.ready()).rejects.toThrow("ENOENT");
  await guest.destroy();
});

describe.skipIf(withoutGuest !== false)(`a guest in this thread${reason}`, () => {
  const closed = new SharedArrayBuffer(4);
  const fractions: number[] = [];
  let guest: LinuxGuest;
  let release: string;

  beforeAll(async () => {
    guest = new LinuxGuest({
      image: await guestImage(),
      attach: (emulator) => attach(emulator, { name: "here", closed }),
      onProgress: ({ fraction }) => fractions.push(fraction),
    });
    release = await guest.ready();
  });
  afterAll(() => guest.destroy());

  test("boots the image's kernel, and its progress only grows", async () => {
    expect((await guest.run("uname -r")).output).toBe(`${release}\n`);
    expect(fractions).toEqual([...fractions].sort((a, b) => a - b));
    expect(fractions.at(-1)).toBe(1);
    expect(guest.consoleText).toContain("Linux version");
  });

  test("commands give status and output, and keep no state", async () => {
    expect(await guest.run("cd /proc; x=1; echo out; echo err >&2; exit 3")).toEqual({ code: 3, output: "out\nerr\n" });
    expect(await guest.run('pwd; echo "[$x]"')).toEqual({ code: 0, output: "/root\n[]\n" });
  });

  test("every byte of a script and of its output arrives", async () => {
    const text = "a 'b' \"c\" \\d $e `f` %g\tünïcode";
    expect((await guest.run(`cat <<'END'\n${text}\nEND`)).output).toBe(`${text}\n`);
    const { output } = await guest.run("seq 20000");
    expect(output).toBe(`${Array.from({ length: 20_000 }, (_, i) => i + 1).join("\n")}\n`);
  });

  test("commands run side by side", async () => {
    const waiting = guest.run("while [ ! -e /run/go ]; do usleep 10000; done; echo went");
    await guest.run("touch /run/go");
    expect(await waiting).toEqual({ code: 0, output: "went\n" });
  });

  test("a command that takes too long is killed with all that it started", async () => {
    await expect(guest.run("sleep 4321 | cat", { timeoutMs: 500 })).rejects.toThrow(GuestTimeoutError);
    await guest.run("while pidof sleep; do usleep 10000; done");
  });

  test("a job can be sent a signal", async () => {
    const job = guest.start("sleep 4321");
    job.kill("HUP");
    expect((await job.result).code).toBe(128 + 1);
  });

  test("the card's driver is loaded, and others can be", async () => {
    expect((await guest.run("lsmod")).output).toMatch(/^virtio_net /m);
    expect(
      await guest.run(
        "modprobe -r virtio_net virtio_pci && modprobe virtio_net && modprobe virtio_pci && modprobe pktgen",
      ),
    ).toEqual({
      code: 0,
      output: "",
    });
  });

  test("what is attached hears the guest and answers its owner", async () => {
    await guest.run("printf '\\052' | dd of=/dev/port bs=1 seek=$((0x5000)) 2>/dev/null");
    expect(await guest.ask("how many")).toEqual({ name: "here", request: "how many", written: [42] });
  });

  test("a reboot loads the kernel again, keeps what is attached, and rejects what waits", async () => {
    await guest.run("touch /run/mark");
    const waiting = guest.start("sleep 4321").result;
    const rejected = expect(waiting).rejects.toThrow(GuestStoppedError);
    expect(await guest.reboot()).toBe(release);
    await rejected;
    expect((await guest.run("ls /run/mark")).code).toBe(1);
    expect(await guest.ask("still there")).toMatchObject({ name: "here" });
  });

  test("once destroyed, it rejects and closes what is attached, once", async () => {
    const waiting = guest.start("sleep 4321").result;
    const rejected = expect(waiting).rejects.toThrow(GuestStoppedError);
    await Promise.all([guest.destroy(), guest.destroy()]);
    await rejected;
    await expect(guest.run("true")).rejects.toThrow(GuestStoppedError);
    expect(Atomics.load(new Int32Array(closed), 0)).toBe(1);
  });
});
