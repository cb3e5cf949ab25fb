/**
 * pcap and pcapng files: written, read, and replayed into a guest; and a tee that captures what passes any backend.
 * Runs in a browser as well as in Node.
 *
 * @module
 */

export { CaptureReader, type CaptureReaderOptions } from "./capture-reader.ts";
export {
  type CaptureWriter,
  type CaptureWriterOptions,
  FrameDirection,
  type FrameStamp,
  type InterfaceInit,
  type WriterStats,
} from "./capture-writer.ts";
export { CapturedFrame, type CaptureInterface } from "./captured-frame.ts";
export { type CaptureClock, SystemClock } from "./clock.ts";
export { PcapFormatError } from "./errors.ts";
export type { CaptureSettings, FrameCaptureStats, FrameFilter } from "./frame-capture.ts";
export type { LinkOptions } from "./link.ts";
export { type PcapWriterOptions, pcapWriter } from "./pcap-writer.ts";
export { type PcapngWriterOptions, pcapngWriter } from "./pcapng-writer.ts";
export { type ByteSource, readCapture } from "./read-capture.ts";
export { type ReplayBackend, type ReplayOptions, type ReplayState, type ReplayStats, replayBackend } from "./replay.ts";
export { type ByteSink, type Done, MemorySink } from "./sink.ts";
export { type PcapTee, type PcapTeeOptions, pcapTee } from "./tee.ts";
export type { Timer } from "./timer.ts";
