import {
  type CaptureWriter,
  type FrameStamp,
  type InterfaceInit,
  MemorySink,
  pcapngWriter,
  type WriterStats,
} from "@vmmkit/backend-pcap";
import { openFileSink } from "@vmmkit/backend-pcap/node";
import type { Frame } from "@vmmkit/ethif";

/** A capture's writer whose file changes while its card runs. Between files it takes no frame. */
export class SwitchedWriter implements CaptureWriter {
  #file: CaptureWriter | null = null;
  /** There is a file, or there will be one. */
  #busy = false;
  #resting: CaptureWriter = pcapngWriter({ sink: new MemorySink() });
  readonly #interfaces: InterfaceInit[] = [];

  /**
   * Begins a file; what was in it is gone.
   * @throws (rejects) Error where there is one already, or it cannot be opened
   */
  async open(path: string): Promise<void> {
    if (this.#busy) throw new Error("a capture is running");
    this.#busy = true;
    try {
      const file = pcapngWriter({ sink: await openFileSink(path) });
      for (const init of this.#interfaces) file.addInterface(init);
      this.#file = file;
    } catch (error) {
      this.#busy = false;
      throw error;
    }
  }

  /** Ends the file; all is written then. */
  async close(): Promise<void> {
    const file = this.#file;
    this.#file = null;
    try {
      await file?.close();
    } finally {
      this.#busy = false;
    }
  }

  addInterface(init: InterfaceInit = {}): number {
    this.#interfaces.push(init);
    this.#file?.addInterface(init);
    return this.#resting.addInterface(init);
  }

  add(stamp: FrameStamp, bytes: Uint8Array): boolean {
    return this.#file?.add(stamp, bytes) ?? false;
  }

  addFrame(stamp: FrameStamp, frame: Frame): boolean {
    return this.#file?.addFrame(stamp, frame) ?? false;
  }

  async flush(): Promise<void> {
    await this.#file?.flush();
  }

  stats(): WriterStats {
    return (this.#file ?? this.#resting).stats();
  }
}
