import type { FrameStamp, InterfaceInit } from "./capture-writer.ts";

/** An interface of a file, and what is counted of it. */
export class WriterInterface {
  readonly id: number;
  readonly init: InterfaceInit;
  readonly snapLength: number;
  /** Frames that were to be written, and those of them that were dropped. */
  offered = 0;
  dropped = 0;
  /** Those dropped since a frame was last taken: the next record says so. */
  droppedSince = 0;
  /** When the last frame was. */
  seconds = 0;
  nanoseconds = 0;

  constructor(id: number, init: InterfaceInit, snapLength: number) {
    this.id = id;
    this.init = init;
    this.snapLength = snapLength;
  }
}

/** What one kind of capture file has that another has not. */
export interface FileFormat {
  /** The latest second that it can say. */
  readonly lastSecond: number;
  /** How many bytes a record takes at most around its data. */
  readonly mostAround: number;
  /** The start of a file. */
  head(snapLength: number): Uint8Array;
  /** What describes some interfaces. */
  interfaces(entries: readonly WriterInterface[]): Uint8Array;
  /** The end of a file. */
  tail(entries: readonly WriterInterface[]): Uint8Array;
  /** Bytes of a record with `kept` bytes of data. */
  recordBytes(entry: WriterInterface, stamp: FrameStamp, kept: number): number;
  /**
   * Writes a record but for its data.
   * @param at where it starts
   * @returns where its data goes
   */
  writeRecord(
    view: DataView,
    at: number,
    entry: WriterInterface,
    stamp: FrameStamp,
    kept: number,
    length: number,
  ): number;
}
