import { expect, test } from "vitest";
import { type CpioEntry, packCpio } from "../../src/image/cpio.ts";

/** Reads an archive by the format's description: 14 fields of 6 or 8 characters, name, contents, padding. */
function readCpio(archive: Uint8Array): (CpioEntry & { readonly text: string })[] {
  const entries = [];
  const text = Buffer.from(archive).toString("latin1");
  for (let at = 0; at < text.length; ) {
    expect(text.slice(at, at + 6)).toBe("070701");
    const field = (index: number): number => Number.parseInt(text.slice(at + 6 + 8 * index, at + 14 + 8 * index), 16);
    const nameAt = at + 110;
    const dataAt = Math.ceil((nameAt + field(11)) / 4) * 4;
    const path = text.slice(nameAt, nameAt + field(11) - 1);
    expect(text[nameAt + field(11) - 1]).toBe("\0");
    entries.push({
      path,
      mode: field(1),
      device: [field(9), field(10)] as const,
      text: text.slice(dataAt, dataAt + field(6)),
    });
    at = Math.ceil((dataAt + field(6)) / 4) * 4;
  }
  return entries;
}

test("entries come back with mode, contents and device numbers, and a trailer ends the archive", () => {
  const archive = packCpio([
    { path: "etc", mode: 0o40755 },
    { path: "etc/a", mode: 0o100644, data: Buffer.from("12345") },
    { path: "dev/console", mode: 0o20600, device: [5, 1] },
  ]);
  expect(readCpio(archive)).toEqual([
    { path: "etc", mode: 0o40755, device: [0, 0], text: "" },
    { path: "etc/a", mode: 0o100644, device: [0, 0], text: "12345" },
    { path: "dev/console", mode: 0o20600, device: [5, 1], text: "" },
    { path: "TRAILER!!!", mode: 0, device: [0, 0], text: "" },
  ]);
});

test("every length of name and contents is padded to 4 bytes", () => {
  for (let length = 0; length < 8; length++) {
    const archive = packCpio([{ path: "n".repeat(length + 1), mode: 0o100644, data: Buffer.alloc(length, "x") }]);
    expect(archive.length % 4).toBe(0);
    expect(readCpio(archive)[0]?.text).toBe("x".repeat(length));
  }
});

test("equal entries make equal bytes", () => {
  const entries = [{ path: "a", mode: 0o100644, data: Buffer.from("b") }];
  expect(packCpio(entries)).toEqual(packCpio(entries));
});
