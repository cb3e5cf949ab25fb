import type { ByteWindow } from "./byte-window.ts";
import type { CapturedFrame, CaptureInterface } from "./captured-frame.ts";

/** What a step came upon. */
export const Step = {
  /** Something that is no frame; the next step goes on behind it. */
  Other: 0,
  /** A frame. */
  Frame: 1,
} as const;
export type Step = (typeof Step)[keyof typeof Step];

/** Reads the records of one format. */
export interface Parser {
  readonly format: "pcap" | "pcapng";
  /** The interfaces of the section that is being read. */
  readonly interfaces: readonly CaptureInterface[];
  /** Records that no parser here knows, and that the format says to skip. */
  readonly skipped: number;
  /**
   * How many bytes have to be there for a step: at least as many as tell how long the next record is.
   * @throws PcapFormatError where the next record cannot be
   */
  need(window: ByteWindow): number;
  /**
   * Reads the next record, which is all there, and goes behind it.
   * @throws PcapFormatError
   */
  step(window: ByteWindow, frame: CapturedFrame): Step;
}
