/**
 * Files and streams of Node's as sinks and sources of captures, and interfaces of the host through libpcap.
 *
 * ```ts
 * import { pcapngWriter } from "@vmmkit/backend-pcap";
 * import { fileSink } from "@vmmkit/backend-pcap/node";
 *
 * const writer = pcapngWriter({ sink: fileSink("net.pcapng") });
 * await writer.close();
 * ```
 *
 * @module
 */
export { type HostInterface, listInterfaces } from "../live/host-interfaces.ts";
export { libpcapVersion } from "../live/libpcap.ts";
export { type LiveBackend, liveBackend } from "../live/live-backend.ts";
export type { LiveStats } from "../live/live-counters.ts";
export { LiveCaptureError } from "../live/live-error.ts";
export type { CaptureOptions, LiveOptions } from "../live/live-options.ts";
export { fileSink, openFileSink } from "./file-sink.ts";
export { fileSource } from "./file-source.ts";
export { type RotatingFilesOptions, rotatingFiles } from "./rotating-files.ts";
export { writableSink } from "./writable-sink.ts";
