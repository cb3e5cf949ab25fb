import { PassThrough, Writable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { expect, test } from "vitest";
import { pcapngWriter } from "../../src/index.ts";
import { writableSink } from "../../src/node/index.ts";
import { readAll } from "../support/read-all.ts";

const STAMP = { seconds: 1, nanoseconds: 0 };

test("a stream gets the file, and its end", async () => {
  const stream = new PassThrough();
  const all = buffer(stream);
  const writer = pcapngWriter({ sink: writableSink(stream) });
  for (let i = 0; i < 100; i++) writer.add(STAMP, new Uint8Array(5000).fill(i));
  await writer.close();
  expect(readAll(await all).frames.map(({ bytes }) => bytes[0])).toEqual([...Array(100).keys()]);
});

test("an error of the stream is the writer's to tell, and ends no process", async () => {
  const stream = new Writable({ write: (_chunk, _encoding, done) => done(new Error("gone")) });
  const writer = pcapngWriter({ sink: writableSink(stream) });
  writer.add(STAMP, new Uint8Array(60));
  await writer.flush();
  writer.add(STAMP, new Uint8Array(60));
  await expect(writer.close()).rejects.toThrow("gone");
  expect(writer.stats().dropped.failed).toBe(2);
});

test("a stream that was destroyed meanwhile", async () => {
  const stream = new PassThrough();
  const sink = writableSink(stream);
  stream.destroy();
  await expect(sink.write(Uint8Array.of(1))).rejects.toThrow();
  await expect(sink.close()).rejects.toThrow("destroyed");
});
