import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { Frame, readFrame } from "@vmmkit/ethif";
import {
  isTransportGood,
  makePacket,
  type OpenPacket,
  type PacketSpec,
  readPacket,
  slowSum,
} from "@vmmkit/guest-driver";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { RangeCursor } from "../../src/offload/range-cursor.ts";
import { Segmenter } from "../../src/offload/segmenter.ts";
import { WordViews } from "../../src/offload/word-views.ts";

const TCPV4 = 1;
const UFO = 3;
const TCPV6 = 4;
const USO = 5;
const views = new WordViews();

function sourceOf({ bytes, csumStart, csumOffset }: OpenPacket, gsoType: number, gsoSize: number, cut = 0): Frame {
  const frame = new Frame();
  const memory = new Uint8Array(bytes.length + 9);
  memory.set(bytes, 7);
  if (cut > 0 && cut < bytes.length) {
    frame.push(memory, 7, cut);
    frame.push(memory, 7 + cut, bytes.length - cut);
  } else frame.push(memory, 7, bytes.length);
  return Object.assign(frame, { flags: 1, gsoType, gsoSize, csumStart, csumOffset });
}

/** Cuts a frame; null where it is refused. */
function cutUp(source: Frame, longest: number, leave = false): { frames: Uint8Array[]; fields: Frame[] } | null {
  const segmenter = new Segmenter(views);
  if (!segmenter.begin(source, source.totalBytes, longest)) return null;
  const cursor = new RangeCursor(views);
  cursor.start(source, segmenter.payloadFrom);
  const frames: Uint8Array[] = [];
  const fields: Frame[] = [];
  while (segmenter.step()) {
    const payload = new Frame();
    const sum = cursor.take(segmenter.payloadBytes, payload, segmenter.wantsSum(leave));
    const target = new Frame();
    segmenter.finish(sum, leave, target);
    const bytes = new Uint8Array(segmenter.headerBytes + segmenter.payloadBytes);
    bytes.set(segmenter.header.subarray(0, segmenter.headerBytes));
    readFrame(payload, bytes.subarray(segmenter.headerBytes));
    frames.push(bytes);
    fields.push(target);
  }
  return { frames, fields };
}

function joined(pieces: readonly Uint8Array[]): Buffer {
  return Buffer.concat(pieces);
}

const packet = fc.record({
  version: fc.constantFrom(4 as const, 6 as const),
  payload: fc.uint8Array({ minLength: 0, maxLength: 3000, size: "max" }),
  tags: fc.constantFrom<readonly number[]>([], [], [0x8100], [0x88a8, 0x8100]),
  options: fc.constantFrom(0, 0, 8, 16),
  tcpOptions: fc.constantFrom(0, 12, 40),
  tcpFlags: fc.nat(255),
  sequence: fc.oneof(fc.nat(0xffff_ffff), fc.constant(0xffff_ff00)),
  id: fc.nat(0xffff),
});
const size = fc.integer({ min: 1, max: 1500 });

describe("TCP segments", () => {
  it("are the packet again: payload, sequence numbers, ids, flags, lengths, checksums", () => {
    const property = fc.property(packet, size, fc.nat(200), (base, gsoSize, cut) => {
      const spec: PacketSpec = { ...base, protocol: "tcp" };
      const made = makePacket(spec);
      fc.pre(Math.ceil(spec.payload.length / gsoSize) <= 2048);
      const source = sourceOf(made, spec.version === 4 ? TCPV4 : TCPV6, gsoSize, cut);
      const segments = (cutUp(source, 100_000)?.frames ?? []).map(readPacket);
      expect(segments).toHaveLength(Math.max(1, Math.ceil(spec.payload.length / gsoSize)));
      expect(joined(segments.map(({ payload }) => payload)).equals(spec.payload)).toBe(true);
      segments.forEach((segment, i) => {
        const last = i === segments.length - 1;
        expect(segment.ipChecksumGood && segment.transportChecksumGood).toBe(true);
        expect(segment.sequence).toBe(((spec.sequence ?? 0) + i * gsoSize) % 2 ** 32);
        if (spec.version === 4) expect(segment.id).toBe(((spec.id ?? 0) + i) & 0xffff);
        const gone = (last ? 0 : 0x09) | (i > 0 ? 0x80 : 0);
        expect(segment.tcpFlags).toBe((spec.tcpFlags ?? 0) & ~gone);
      });
    });
    fc.assert(property, { numRuns: 150 });
  });

  it("with the checksum left open have the sum of the pseudo header in its place", () => {
    const spec: PacketSpec = { version: 4, protocol: "tcp", payload: new Uint8Array(2500).fill(3) };
    const made = makePacket(spec);
    const cut = cutUp(sourceOf(made, TCPV4, 1000), 1514, true);
    for (const [i, bytes] of (cut?.frames ?? []).entries()) {
      const again = makePacket({ ...spec, payload: readPacket(bytes).payload });
      const field = made.csumStart + 16;
      expect([...bytes.subarray(field, field + 2)]).toEqual([...again.bytes.subarray(field, field + 2)]);
      expect(cut?.fields[i]).toMatchObject({ flags: 1, gsoType: 0, csumStart: 34, csumOffset: 16 });
    }
    expect(cut?.frames.map(({ length }) => length)).toEqual([1054, 1054, 554]);
  });
});

describe("UDP segments (USO)", () => {
  it("are datagrams of their own", () => {
    const property = fc.property(packet, size, fc.nat(200), (base, gsoSize, cut) => {
      const spec: PacketSpec = { ...base, protocol: "udp" };
      fc.pre(Math.ceil(spec.payload.length / gsoSize) <= 2048);
      const segments = (cutUp(sourceOf(makePacket(spec), USO, gsoSize, cut), 100_000)?.frames ?? []).map(readPacket);
      expect(joined(segments.map(({ payload }) => payload)).equals(spec.payload)).toBe(true);
      for (const [i, segment] of segments.entries()) {
        expect(segment.ipChecksumGood && segment.transportChecksumGood).toBe(true);
        expect(segment.udpLength).toBe(8 + segment.payload.length);
        if (spec.version === 4) expect(segment.id).toBe(((spec.id ?? 0) + i) & 0xffff);
      }
    });
    fc.assert(property, { numRuns: 100 });
  });
});

describe("fragments (UFO)", () => {
  it("are one datagram, cut at multiples of 8, with the checksum of the whole", () => {
    const property = fc.property(packet, fc.integer({ min: 16, max: 1500 }), (base, gsoSize) => {
      const spec: PacketSpec = { ...base, protocol: "udp" };
      const made = makePacket(spec);
      const fragments = cutUp(sourceOf(made, UFO, gsoSize), 1514 + 8 + 48)?.frames ?? [];
      const read = fragments.map(readPacket);
      const whole = joined(read.map(({ body }) => body));
      const addresses = [
        ...made.bytes.subarray(
          made.csumStart - (spec.version === 4 ? 8 + (spec.options ?? 0) : 32 + (spec.options ?? 0)),
        ),
      ];
      expect(isTransportGood(Uint8Array.from(addresses.slice(0, spec.version === 4 ? 8 : 32)), 17, whole)).toBe(true);
      expect(whole.subarray(8).equals(spec.payload)).toBe(true);
      let offset = 0;
      read.forEach((fragment, i) => {
        expect(fragment.fragmentOffset).toBe(offset);
        expect(fragment.more).toBe(i < read.length - 1);
        expect(fragment.id).toBe(read[0]?.id);
        expect(fragment.ipChecksumGood).toBe(true);
        expect(fragment.body.length <= gsoSize).toBe(true);
        if (fragment.more) expect(fragment.body.length % 8).toBe(0);
        offset += fragment.body.length;
      });
    });
    fc.assert(property, { numRuns: 100 });
  });
});

describe("one frame with its checksum left open", () => {
  it("gets it, whatever protocol it is of", () => {
    const property = fc.property(
      packet,
      fc.constantFrom("tcp" as const, "udp" as const),
      fc.nat(300),
      (base, protocol, cut) => {
        const spec: PacketSpec = { ...base, protocol };
        const made = makePacket(spec);
        const [bytes] = cutUp(sourceOf(made, 0, 0, cut), 100_000)?.frames ?? [];
        expect(bytes === undefined ? null : readPacket(bytes)).toMatchObject({
          transportChecksumGood: true,
          payload: spec.payload,
        });
      },
    );
    fc.assert(property, { numRuns: 100 });
  });

  it("at odd places too", () => {
    const data = Uint8Array.from({ length: 101 }, (_, i) => i * 7);
    data.fill(0, 39, 41);
    const source = new Frame();
    source.push(data, 0, 101);
    Object.assign(source, { flags: 1, csumStart: 15, csumOffset: 24 });
    const [bytes] = cutUp(source, 200)?.frames ?? [];
    expect(slowSum(bytes?.subarray(15) ?? [])).toBe(0xffff);
  });
});

describe("what is refused", () => {
  const tcp = makePacket({ version: 4, protocol: "tcp", payload: new Uint8Array(3000) });
  const udp = makePacket({ version: 6, protocol: "udp", payload: new Uint8Array(3000) });
  const base = { flags: 1, gsoType: TCPV4, gsoSize: 1000 };

  it.each<[string, OpenPacket, Partial<Frame>]>([
    ["segments of no bytes", tcp, { gsoSize: 0 }],
    ["more than 2048 segments", tcp, { gsoSize: 1 }],
    ["a checksum that is not left open", tcp, { flags: 0 }],
    ["a checksum elsewhere", tcp, { csumStart: 30 }],
    ["a checksum's field elsewhere", tcp, { csumOffset: 6 }],
    ["TCP over IPv6 that is IPv4", tcp, { gsoType: TCPV6 }],
    ["TCP that is UDP", udp, { gsoType: TCPV6 }],
    ["UDP that is TCP", tcp, { gsoType: USO }],
    ["UDP to fragment that is TCP", tcp, { gsoType: UFO }],
    ["fragments of less than 16 bytes", udp, { gsoType: UFO, gsoSize: 15 }],
    ["segments longer than the link carries", tcp, { gsoSize: 1461 }],
    ["a type that there is not", tcp, { gsoType: 2 }],
    ["UDP with ECN", udp, { gsoType: USO | 0x80 }],
  ])("%s", (_what, made, fields) => {
    const source = sourceOf(made, 0, 0);
    Object.assign(source, base, fields);
    expect(cutUp(source, 1514)).toBe(null);
    Object.assign(source, base, { csumStart: made.csumStart, csumOffset: made.csumOffset });
    if (made === tcp) expect(cutUp(source, 1514)?.frames).toHaveLength(3);
  });

  it("headers cut off at any byte, or changed at any: never a throw, and never a segment longer than asked for", () => {
    const property = fc.property(
      packet,
      fc.constantFrom("tcp" as const, "udp" as const),
      fc.nat(120),
      fc.nat(255),
      fc.constantFrom(1, 3, 4, 5, 0x81),
      fc.nat(3000),
      (spec, protocol, at, value, gsoType, length) => {
        const made = makePacket({ ...spec, protocol });
        made.bytes[at] = value;
        const source = sourceOf({ ...made, bytes: made.bytes.slice(0, Math.max(1, length)) }, gsoType, 700);
        for (const frame of cutUp(source, 1514)?.frames ?? []) expect(frame.length).toBeLessThanOrEqual(1514);
      },
    );
    fc.assert(property, { numRuns: 1000 });
  });
});

describe("tshark finds nothing wrong with", () => {
  it("segments and fragments of every kind", { timeout: 60_000 }, async () => {
    const frames: Uint8Array[] = [];
    for (const version of [4, 6] as const) {
      for (const tags of [[], [0x8100]]) {
        const payload = Uint8Array.from({ length: 4001 }, (_, i) => 0x61 + (i % 26));
        const shape = { version, tags, payload, options: version === 6 ? 8 : 4 };
        const tcp = makePacket({ ...shape, protocol: "tcp", tcpOptions: 12, tcpFlags: 0x19 });
        const udp = makePacket({ ...shape, protocol: "udp" });
        for (const [made, type] of [
          [tcp, version === 4 ? TCPV4 : TCPV6],
          [udp, USO],
          [udp, UFO],
        ] as const) {
          frames.push(...(cutUp(sourceOf(made, type, 1000), 1514)?.frames ?? []));
        }
        frames.push(
          ...(cutUp(sourceOf(makePacket({ ...shape, protocol: "udp", payload: payload.slice(0, 99) }), 0, 0), 1514)
            ?.frames ?? []),
        );
      }
    }
    const lines = await dissect(frames);
    expect(lines).toHaveLength(frames.length);
    // Status 1 is good, 2 bad; a fragment but the last has no checksum that could be looked at.
    for (const [ip, tcp, udp, expert] of lines) {
      expect(["", "1"]).toContain(ip);
      expect(["", "1"]).toContain(tcp);
      expect(["", "1"]).toContain(udp);
      expect(expert).not.toMatch(/malformed|checksum|bogus/i);
    }
    expect(lines.filter(([, tcp]) => tcp === "1")).toHaveLength(4 * 5);
    // Segments, one for each reassembled datagram, and one with a checksum alone.
    expect(lines.filter(([, , udp]) => udp === "1")).toHaveLength(4 * (5 + 1 + 1));
  });
});

/** Reads frames with `tshark`: status of the three checksums, and what its experts say. */
async function dissect(frames: readonly Uint8Array[]): Promise<string[][]> {
  const header = new Uint8Array(Uint32Array.of(0xa1b2_c3d4, 0x0004_0002, 0, 0, 65_535, 1).buffer);
  const records = frames.flatMap((frame, i) => [
    new Uint8Array(Uint32Array.of(i, 0, frame.length, frame.length).buffer),
    frame,
  ]);
  const checks = ["ip", "tcp", "udp"].flatMap((name) => ["-o", `${name}.check_checksum:TRUE`]);
  const fields = ["ip.checksum.status", "tcp.checksum.status", "udp.checksum.status", "_ws.expert.message"];
  const folder = await mkdtemp(join(tmpdir(), "segments-"));
  try {
    const path = join(folder, "segments.pcap");
    await writeFile(path, Buffer.concat([header, ...records]));
    const wanted = fields.flatMap((name) => ["-e", name]);
    const { stdout } = await promisify(execFile)("tshark", ["-r", path, ...checks, "-T", "fields", ...wanted]);
    return stdout
      .replace(/\n$/, "")
      .split("\n")
      .map((line) => line.split("\t"));
  } finally {
    await rm(folder, { recursive: true });
  }
}
