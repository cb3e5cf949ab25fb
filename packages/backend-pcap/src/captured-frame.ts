import { FrameDirection, type FrameStamp } from "./capture-writer.ts";

/** An interface as a file describes it. */
export interface CaptureInterface {
  /** Its number in its section of the file. */
  readonly id: number;
  /** What its frames are: 1 is Ethernet (LINKTYPE_ of the formats). */
  readonly linkType: number;
  /** How many bytes of each frame were kept at most, 0 for all. */
  readonly snapLength: number;
  readonly name?: string;
  readonly description?: string;
  /** libpcap's expression that frames were chosen by. */
  readonly filter?: string;
  /** From the statistics at the end of the file: frames received and dropped. They come behind the frames. */
  received?: number;
  dropped?: number;
}

/** A frame that was read. The reader uses the object again for the next one, and its bytes too. */
export class CapturedFrame implements FrameStamp {
  /** What was kept of the frame. */
  bytes: Uint8Array = new Uint8Array(0);
  /** How long it was on the wire, in bytes. */
  lengthBytes = 0;
  /** When: seconds since 1970, and nanoseconds behind them. */
  seconds = 0;
  nanoseconds = 0;
  /** Whether the file says when: a simple packet block does not. */
  timed = true;
  interfaceId = 0;
  /** What its interface carries: 1 is Ethernet. */
  linkType = 0;
  direction: FrameDirection = FrameDirection.Unknown;
  /** How many bytes of the frame's check sequence its end is. */
  fcsBytes = 0;
  /** Frames that the file says were dropped between this one and the one before on its interface. */
  drops = 0;
  /** Where its record starts, in bytes from the start of the file. */
  offset = 0;
}
