import { describe, expect, test } from "vitest";
import { GuestOptionError, GuestStoppedError, GuestThread, GuestTimeoutError } from "../src/index.ts";
import { guestImage, withoutGuest } from "./support/image.ts";

const reason = withoutGuest === false ? "" : ` (skipped: ${withoutGuest})`;
const attachModule = new URL("./support/attachment.ts", import.meta.url);

/** Handles that keep this process alive, by kind. */
function handles(): string[] {
  return process.getActiveResourcesInfo().filter((kind) => kind === "MessagePort" || kind === "Worker");
}

test("impossible options come out at ready()", async () => {
  const image = { kernel: "", initrd: "", bios: "", vgaBios: "", kernelRelease: "", cmdline: "" };
  const guest = new GuestThread({ image, memoryBytes: 1 });
  await expect(guest.ready()).rejects.toThrow(GuestStoppedError);
  await expect(guest.ready()).rejects.toThrow("memoryBytes");
  await guest.destroy();
});

describe.skipIf(withoutGuest !== false)(`guests in threads of their own${reason}`, () => {
  test("two boot side by side, run commands, and leave nothing behind", async () => {
    const before = handles();
    const image = await guestImage();
    const closed = new SharedArrayBuffer(4);
    const guests = ["first", "second"].map(
      (name) => new GuestThread({ image, attachModule, attachData: { name, closed } }),
    );
    const releases = await Promise.all(guests.map((guest) => guest.ready()));
    expect(releases).toEqual([image.kernelRelease, image.kernelRelease]);
    for (const [i, guest] of guests.entries()) {
      const name = i === 0 ? "first" : "second";
      expect(guest.progress).toEqual({ phase: "ready", fraction: 1 });
      expect(await guest.run(`echo ${name}; false`)).toEqual({ code: 1, output: `${name}\n` });
      expect(await guest.ask("who")).toMatchObject({ name, request: "who" });
      expect(guest.consoleText).toContain("Linux version");
    }
    const [first] = guests;
    if (first === undefined) throw new Error("expected a guest");
    await expect(first.run("sleep 4321", { timeoutMs: 500 })).rejects.toThrow(GuestTimeoutError);
    expect(() => first.start("")).not.toThrow();
    await expect(first.run("")).rejects.toThrow(GuestOptionError);
    const job = first.start("sleep 4321");
    job.kill();
    expect((await job.result).code).toBe(128 + 15);
    await Promise.all(guests.map((guest) => guest.destroy()));
    await expect(first.run("true")).rejects.toThrow(GuestStoppedError);
    expect(Atomics.load(new Int32Array(closed), 0)).toBe(2);
    expect(handles()).toEqual(before);
  });

  test("a module that fails to attach comes out at ready()", async () => {
    const guest = new GuestThread({
      image: await guestImage(),
      attachModule: new URL("./support/none.ts", import.meta.url),
    });
    await expect(guest.ready()).rejects.toThrow("none.ts");
    await guest.destroy();
  });
});
