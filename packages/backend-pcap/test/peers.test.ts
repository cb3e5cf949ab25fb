import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { TestCard } from "@vmmkit/ethif-compliance";
import { describe, expect, test } from "vitest";
import { FrameDirection, pcapngWriter, pcapWriter, replayBackend } from "../src/index.ts";
import { fileSink, fileSource } from "../src/node/index.ts";
import { folder } from "./support/folder.ts";
import { udpFrame, udpNumber } from "./support/frames.ts";
import { readAll } from "./support/read-all.ts";
import { run } from "./support/run.ts";

// The programs that people read captures with, and write them with: tcpdump, and Wireshark's.

const SECONDS = 1_767_323_045;
const SIZES = [0, 1, 2, 3, 18, 500, 1472];

/** A file of ours with frames of all sizes, half of them from each of two guests. */
async function ours(format: "pcap-us" | "pcap-ns" | "pcapng", path: string, snapLength = 262_144): Promise<void> {
  const options = { sink: fileSink(path), snapLength };
  const writer =
    format === "pcapng"
      ? pcapngWriter(options)
      : pcapWriter({ ...options, resolution: format === "pcap-ns" ? "ns" : "us" });
  const ids = ["guest 1", "guest 2"].map((name) =>
    writer.addInterface({ name, filter: "udp", comment: `${name} here` }),
  );
  SIZES.forEach((size, number) => {
    const odd = number % 2;
    writer.add(
      {
        seconds: SECONDS + number,
        nanoseconds: 123_456_789,
        interfaceId: ids[odd] ?? 0,
        direction: odd === 0 ? FrameDirection.Outbound : FrameDirection.Inbound,
      },
      udpFrame(number, size),
    );
  });
  await writer.close();
}

const FORMATS = ["pcap-us", "pcap-ns", "pcapng"] as const;

describe.each(FORMATS)("others read our %s", (format) => {
  test("tshark: times, lengths, protocols, checksums", async () => {
    const path = join(folder(), "x");
    await ours(format, path);
    const fields = ["frame.time_epoch", "frame.len", "frame.cap_len", "ip.id", "ip.checksum.status", "udp.length"];
    const check = ["-o", "ip.check_checksum:TRUE"];
    const out = await run("tshark", "-r", path, ...check, "-T", "fields", ...fields.flatMap((name) => ["-e", name]));
    const fraction = format === "pcap-us" ? "123456000" : "123456789";
    const expected = SIZES.map((size, number) => [
      `${SECONDS + number}.${fraction}`,
      String(42 + size),
      String(42 + size),
      `0x${number.toString(16).padStart(4, "0")}`,
      "1",
      String(8 + size),
    ]);
    const rows = out
      .trimEnd()
      .split("\n")
      .map((line) => line.split("\t"));
    expect(rows).toEqual(expected);
  });

  test("capinfos: a whole file, its resolution, its snap length", async () => {
    const path = join(folder(), "x");
    await ours(format, path, 200);
    const out = await run("capinfos", "-M", path);
    expect(out).toMatch(new RegExp(`Number of packets:\\s+${SIZES.length}\\n`));
    expect(out).toMatch(/File encapsulation:\s+(Ethernet|ether)\n/);
    expect(out).toMatch(format === "pcap-us" ? /precision:\s+microseconds/ : /precision:\s+nanoseconds/);
    expect(out).toMatch(format === "pcapng" ? /Capture length = 200\n/ : /Packet size limit:\s+file hdr: 200 bytes/);
  });

  test("tcpdump: every frame", async () => {
    const path = join(folder(), "x");
    await ours(format, path);
    const out = await run("tcpdump", "-n", "-tt", "-r", path, "udp");
    expect(out.trimEnd().split("\n").length).toBe(SIZES.length);
    expect(out).toContain(`${SECONDS + 6}.123456 IP 10.86.0.1.4000 > 10.86.0.2.5000: UDP, length 1472`);
  });

  test("editcap and mergecap: what they make of it has the same frames", async () => {
    const at = folder();
    const path = join(at, "x");
    await ours(format, path);
    await run("editcap", "-F", "pcapng", path, join(at, "edited"));
    await run("mergecap", "-F", "pcapng", "-w", join(at, "merged"), path, path);
    const { frames, error } = readAll(readFileSync(join(at, "edited")), 1000);
    expect(error).toBeNull();
    expect(frames.map(({ bytes }) => udpNumber(bytes))).toEqual([...SIZES.keys()]);
    expect(readAll(readFileSync(join(at, "merged"))).frames.length).toBe(2 * SIZES.length);
  });
});

test("tshark tells interfaces and directions of our pcapng", async () => {
  const path = join(folder(), "x.pcapng");
  await ours("pcapng", path);
  const fields = ["-e", "frame.interface_name", "-e", "frame.packet_flags_direction"];
  const out = await run("tshark", "-r", path, "-T", "fields", ...fields);
  const rows = SIZES.map((_, number) => (number % 2 === 0 ? "guest 1\t0x00000002" : "guest 2\t0x00000001"));
  expect(out.trimEnd().split("\n")).toEqual(rows);
  const info = await run("capinfos", "-M", path);
  expect(info).toContain("Capture application: vmmkit");
  expect(info).toMatch(/Name = guest 2\n[\s\S]*Filter string = udp\n[\s\S]*Comment = guest 2 here\n/);
  expect(info).toMatch(/Number of stat entries = 1\n/);
});

test("capinfos finds our files whole where they were rotated or end early", async () => {
  const at = folder();
  const writer = pcapngWriter({ sink: (index) => fileSink(join(at, String(index))), rotateFrames: 2 });
  for (let i = 0; i < 5; i++) writer.add({ seconds: i, nanoseconds: 0 }, udpFrame(i, 10));
  await writer.flush();
  // The last one has not been closed yet.
  for (const [index, count] of [2, 2, 1].entries()) {
    expect(await run("capinfos", "-Mc", join(at, String(index)))).toMatch(new RegExp(`packets:\\s+${count}\\n`));
  }
  await writer.close();
});

describe("we read what others write", () => {
  /** A file that text2pcap makes of hexadecimal text: nothing of ours is in it. */
  async function theirs(at: string): Promise<string> {
    const dump = SIZES.map((size, number) => {
      const hex = Array.from(udpFrame(number, size), (byte) => byte.toString(16).padStart(2, "0")).join(" ");
      return `${SECONDS + number}.123456789\n0000 ${hex}\n`;
    });
    writeFileSync(join(at, "dump.txt"), dump.join("\n"));
    const path = join(at, "theirs.pcapng");
    await run("text2pcap", "-t", "%s.%f", "-F", "pcapng", join(at, "dump.txt"), path);
    return path;
  }

  test.each(["pcap", "nsecpcap", "modpcap", "pcapng"])("editcap's %s", async (type) => {
    const at = folder();
    const path = join(at, "converted");
    await run("editcap", "-F", type, await theirs(at), path);
    const { frames, error, reader } = readAll(readFileSync(path), 777);
    expect(error).toBeNull();
    expect(reader.format).toBe(type === "pcapng" ? "pcapng" : "pcap");
    expect(frames.map(({ bytes }) => [...bytes])).toEqual(SIZES.map((size, number) => [...udpFrame(number, size)]));
    const nanoseconds = type === "pcapng" || type === "nsecpcap" ? 123_456_789 : 123_456_000;
    expect(frames.map((frame) => [frame.seconds, frame.nanoseconds])).toEqual(
      SIZES.map((_, number) => [SECONDS + number, nanoseconds]),
    );
  });

  test.each(["pcap", "nsecpcap", "modpcap", "pcapng"])("a guest gets every frame of editcap's %s", async (type) => {
    const at = folder();
    const path = join(at, "converted");
    await run("editcap", "-F", type, await theirs(at), path);
    const backend = replayBackend({ source: fileSource(path), speed: Number.POSITIVE_INFINITY });
    const card = new TestCard(backend);
    card.init();
    card.post(SIZES.length, [1600]);
    expect(await backend.ended).toMatchObject({ state: "ended", error: null, frames: SIZES.length });
    expect(card.received).toEqual(SIZES.map((size, number) => udpFrame(number, size)));
  });

  test("editcap's frames with comments, cut to a snap length", async () => {
    const at = folder();
    const path = join(at, "commented");
    await run("editcap", "-a", "1:first of all", "-a", "3:a longer remark", "-s", "50", await theirs(at), path);
    const { frames, error } = readAll(readFileSync(path));
    expect(error).toBeNull();
    expect(frames.map(({ bytes, lengthBytes }) => [bytes.length, lengthBytes])).toEqual(
      SIZES.map((size) => [Math.min(50, 42 + size), 42 + size]),
    );
  });

  test("mergecap's file of two formats, with an interface for each", async () => {
    const at = folder();
    const first = await theirs(at);
    await run("editcap", "-F", "pcap", first, join(at, "second"));
    await run("mergecap", "-I", "none", "-w", join(at, "merged"), first, join(at, "second"));
    const { frames, error, reader } = readAll(readFileSync(join(at, "merged")));
    expect(error).toBeNull();
    expect(reader.interfaces.length).toBe(2);
    expect(new Set(frames.map(({ interfaceId }) => interfaceId))).toEqual(new Set([0, 1]));
    expect(frames.length).toBe(2 * SIZES.length);
  });

  test("tcpdump's file of a filter", async () => {
    const at = folder();
    await run("tcpdump", "-r", await theirs(at), "-w", join(at, "filtered"), "greater", "100");
    const { frames, error } = readAll(readFileSync(join(at, "filtered")));
    expect(error).toBeNull();
    expect(frames.map(({ bytes }) => udpNumber(bytes))).toEqual([5, 6]);
  });
});
