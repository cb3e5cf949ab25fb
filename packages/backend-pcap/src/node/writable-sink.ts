import type { Writable } from "node:stream";
import type { ByteSink } from "../index.ts";

/**
 * Any writable stream to write a capture to: a socket, a child's standard input, a compressor. Closing the writer ends
 * the stream. An error of the stream is the writer's to tell.
 */
export function writableSink(stream: Writable): ByteSink {
  // The promise below has the error; an "error" event that nobody listens to would end the process.
  stream.on("error", () => {});
  return {
    write: (bytes) =>
      new Promise((resolve, reject) => {
        stream.write(bytes, (error) => (error ? reject(error) : resolve()));
      }),
    close: () =>
      new Promise((resolve, reject) => {
        if (stream.destroyed) reject(stream.errored ?? new Error("the stream was destroyed before its end"));
        else {
          stream.once("error", reject);
          stream.end(() => resolve());
        }
      }),
  };
}
