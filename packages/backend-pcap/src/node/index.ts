/**
 * Files and streams of Node's as sinks and sources of captures.
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
export { fileSink } from "./file-sink.ts";
export { fileSource } from "./file-source.ts";
export { type RotatingFilesOptions, rotatingFiles } from "./rotating-files.ts";
export { writableSink } from "./writable-sink.ts";
