import type { Hub } from "@vmmkit/backend-loopback";
import { type Frame, readFrame } from "@vmmkit/ethif";
import { PcapngFile } from "./pcapng.ts";

/** Headers and a little more: the data of a bulk transfer would make a file that nobody wants to open. */
const SNAP_LENGTH = 256;

/** Writes each frame that enters a hub into a capture file. */
export class Capture {
  readonly file: PcapngFile;
  readonly #end: () => void;
  readonly #bytes = new Uint8Array(SNAP_LENGTH);

  /** @param guests names of the hub's ports */
  constructor(hub: Hub, path: string, guests: readonly string[]) {
    this.file = new PcapngFile(path, guests, SNAP_LENGTH);
    this.#end = hub.tap((frame, length, port, direction) => {
      // Once is enough: what one guest sends is what the others get.
      if (direction === "in") this.#add(frame, length, port);
    });
  }

  /** Ends the capture and closes the file. */
  async close(): Promise<void> {
    this.#end();
    await this.file.close();
  }

  #add(frame: Frame, length: number, port: string): void {
    const kept = readFrame(frame, this.#bytes);
    const now = performance.timeOrigin + performance.now();
    this.file.add(port, this.#bytes.subarray(0, kept), length, "outbound", now);
  }
}
