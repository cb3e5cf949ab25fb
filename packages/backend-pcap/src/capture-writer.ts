import type { Frame } from "@vmmkit/ethif";
import type { ByteSink } from "./sink.ts";

/** Which way a frame went, as its card sees it; the values are those of pcapng's flags. */
export const FrameDirection = {
  /** Not known. */
  Unknown: 0,
  /** Received by the card. */
  Inbound: 1,
  /** Sent by the card. */
  Outbound: 2,
} as const;
export type FrameDirection = (typeof FrameDirection)[keyof typeof FrameDirection];

/** What a capture says of a frame besides its bytes. A `CapturedFrame` that was read is one. */
export interface FrameStamp {
  /** When: whole seconds since 1970. 0 to 2^32 - 1 in a pcap file, to 2^34 in a pcapng file. */
  readonly seconds: number;
  /** When: nanoseconds behind the seconds, 0 to 999 999 999. */
  readonly nanoseconds: number;
  /** Length on the wire in bytes, where fewer than that were kept. Default: as many as there are. */
  readonly lengthBytes?: number;
  /** How many of its bytes are kept at most. Default: as many as the interface's snap length. */
  readonly snapLength?: number;
  /** Number of the interface, from `addInterface`. Default 0. */
  readonly interfaceId?: number;
  /** Which way it went. Default unknown. */
  readonly direction?: FrameDirection;
}

/** What a capture says of an interface. A pcap file has no place for it. */
export interface InterfaceInit {
  /** Its name: "guest 1". */
  readonly name?: string;
  readonly description?: string;
  /** Its MAC address. */
  readonly mac?: Uint8Array;
  /** How many bytes of each frame are kept at most, 1 to the writer's `snapLength`, which is the default. */
  readonly snapLength?: number;
  /** libpcap's expression that frames were chosen by. */
  readonly filter?: string;
  readonly comment?: string;
}

/** What a writer counted since it was made. */
export interface WriterStats {
  /** Frames, and bytes of files, that the sinks have taken. */
  readonly frames: number;
  readonly bytes: number;
  /** Files that were begun. */
  readonly files: number;
  /** Frames that wait for a sink. */
  readonly waiting: number;
  /** Frames that are in no file, by reason. */
  readonly dropped: {
    /** The buffer was full: the sink is too slow. */
    readonly noSpace: number;
    /** The sink failed: the disk is full, the file cannot be made. */
    readonly failed: number;
    /** They came after `close`. */
    readonly closed: number;
  };
  /** What the sink threw first, or null. */
  readonly error: unknown;
}

/** A capture file, or a row of them, that is being written. */
export interface CaptureWriter {
  /**
   * Adds an interface. It can be done at any time.
   * @returns its number, from 0 on
   * @throws RangeError for an impossible snap length or address
   */
  addInterface(init?: InterfaceInit): number;

  /**
   * Adds a frame. Its bytes are copied. Never throws for the sink's sake.
   * @returns false where it was dropped and counted
   * @throws RangeError for an interface that there is not, or a time that the format cannot say
   */
  add(stamp: FrameStamp, bytes: Uint8Array): boolean;

  /**
   * The same for a frame of a card's; `stamp.lengthBytes` says how many of its bytes count. Nothing is allocated but
   * `copyBytes`' short-lived views.
   */
  addFrame(stamp: FrameStamp, frame: Frame): boolean;

  /** Gives the sink what is there. The promise is fulfilled when it has taken it, or failed to. */
  flush(): Promise<void>;

  /**
   * Writes the end of the file and closes it. A second call does nothing more.
   * @throws what the sink threw first, where there was a failure
   */
  close(): Promise<void>;

  /** What was counted so far. */
  stats(): WriterStats;
}

/** Options of both writers. */
export interface CaptureWriterOptions {
  /**
   * Where the file goes, or a function that opens the files one by one: it gets their number, from 0 on. With
   * rotation it has to be a function.
   */
  readonly sink: ByteSink | ((index: number) => ByteSink);
  /** How many bytes of each frame are kept at most, 1 to 262144. Default 262144. */
  readonly snapLength?: number;
  /** A file is closed and the next begun before it is longer than this, in bytes. A file has one frame at least. */
  readonly rotateBytes?: number;
  /** A file is closed and the next begun when it has this many frames. */
  readonly rotateFrames?: number;
  /** How much may wait for a slow sink, in bytes; rounded up to two chunks. Default 4 MiB. */
  readonly bufferBytes?: number;
  /**
   * Bytes are gathered into chunks of this size before the sink gets them. At least one frame fits, whatever this
   * says. Default 64 KiB.
   */
  readonly chunkBytes?: number;
}
