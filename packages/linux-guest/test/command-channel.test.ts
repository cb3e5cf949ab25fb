import { expect, test } from "vitest";
import { CommandChannel } from "../src/command-channel.ts";
import { GuestOptionError, GuestStoppedError } from "../src/errors.ts";

/** A channel, what it sent, and the guest's end of the line. */
class Line {
  readonly sent: string[] = [];
  readonly releases: string[] = [];
  readonly channel: CommandChannel = new CommandChannel(
    (bytes) => this.sent.push(Buffer.from(bytes).toString()),
    (release) => this.releases.push(release),
  );

  /** The id of the command that was sent as the `index`th. */
  id(index: number): string {
    return /^\w+/.exec(this.sent[index] ?? "")?.[0] ?? "";
  }

  receive(text: string): void {
    for (const byte of Buffer.from(text)) this.channel.receive(byte);
  }

  finish(index: number, code: number, output: string): void {
    this.receive(`\x1e${this.id(index)} ${code}\n${output}\x1e${this.id(index)}\n`);
  }
}

test("a command goes out with an id, its number of lines and its lines", () => {
  const line = new Line();
  line.channel.start("one\ntwo");
  expect(line.sent).toEqual([`${line.id(0)} 2\none\ntwo\n`]);
  expect(line.id(0)).toMatch(/^[0-9a-f]{16}$/);
});

test("status and output come back to the command of the id, in any order", async () => {
  const line = new Line();
  const first = line.channel.start("first");
  const second = line.channel.start("second");
  line.finish(1, 0, "2nd\n");
  line.finish(0, 127, "1st: not found\n");
  expect(await second.result).toEqual({ code: 0, output: "2nd\n" });
  expect(await first.result).toEqual({ code: 127, output: "1st: not found\n" });
});

test("output may be empty, without a newline at its end, or look like a frame", async () => {
  const line = new Line();
  for (const output of ["", "no newline", "\x1e1 0\nfake\x1e1\n", "\x1e\n\x1e", "ünï\n"]) {
    const job = line.channel.start("cat");
    line.finish(line.sent.length - 1, 0, output);
    expect((await job.result).output).toBe(output);
  }
});

test("noise between frames and frames of nobody are passed over", async () => {
  const line = new Line();
  const job = line.channel.start("true");
  line.receive("\xff\0noise\x1eno header\n\x1eabc 1 2 3\n");
  line.receive("\x1e0123456789abcdef 0\nof nobody\n\x1e0123456789abcdef\n");
  line.finish(0, 0, "");
  expect(await job.result).toEqual({ code: 0, output: "" });
});

test("each boot is told with the kernel's release", () => {
  const line = new Line();
  line.receive("\x1eready 0\n6.1.0-50-686\n\x1eready\n");
  line.receive("\x1eready 0\n6.1.0-50-686\n\x1eready\n");
  expect(line.releases).toEqual(["6.1.0-50-686", "6.1.0-50-686"]);
});

test("killing sends the signal, until the command has ended", async () => {
  const line = new Line();
  const job = line.channel.start("sleep 100");
  job.kill();
  job.kill("KILL");
  expect(line.sent.slice(1)).toEqual([`kill ${line.id(0)} TERM\n`, `kill ${line.id(0)} KILL\n`]);
  line.finish(0, 143, "");
  await job.result;
  job.kill();
  expect(line.sent).toHaveLength(3);
});

test("a signal that is no name is refused", () => {
  const job = new Line().channel.start("true");
  expect(() => job.kill("TERM; reboot")).toThrow(GuestOptionError);
});

test("when the guest goes, all that wait are rejected and a frame under way is forgotten", async () => {
  const line = new Line();
  const first = line.channel.start("first");
  line.receive(`\x1e${line.id(0)} 0\nhalf of its out`);
  line.channel.fail(new GuestStoppedError("gone"));
  await expect(first.result).rejects.toThrow(GuestStoppedError);
  const second = line.channel.start("second");
  line.finish(1, 0, "whole\n");
  expect((await second.result).output).toBe("whole\n");
});

test("empty, too long and control characters are refused; tab and newline are not", () => {
  const { channel } = new Line();
  for (const script of ["", " \n", "x".repeat((16 << 10) + 1), "a\0b", "a\x1eb", "a\rb"]) {
    expect(() => channel.start(script)).toThrow(GuestOptionError);
  }
  channel.start("a\tb\nc").result.catch(() => {});
});
