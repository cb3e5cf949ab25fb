import type { Datagram, HostStation } from "./host-station.ts";

const SERVER_PORT = 69;
const FIRST_TRANSFER_PORT = 50_000;
const READ = 1;
const DATA = 3;
const ACK = 4;
const ERROR = 5;
const OPTIONS_ACK = 6;
const FILE_NOT_FOUND = 1;
const DEFAULT_BLOCK_BYTES = 512;
const MOST_BLOCK_BYTES = 1468;

/** What a client fetched. */
export interface TftpTransfer {
  readonly path: string;
  /** The client acknowledged the last block. */
  complete: boolean;
}

/**
 * Serves files by TFTP (RFC 1350, with the options blksize and tsize of RFC 2348 and RFC 2349). It sends a block
 * whenever the one before is acknowledged, again where the client says it again, and needs no timers for that.
 * @returns the transfers so far, in order
 */
export function serveTftp(station: HostStation, files: ReadonlyMap<string, Uint8Array>): readonly TftpTransfer[] {
  const transfers: TftpTransfer[] = [];
  station.serve(SERVER_PORT, (request) => {
    if (request.data[1] !== READ) return;
    const [path = "", , ...options] = new TextDecoder().decode(request.data.subarray(2)).split("\0");
    const file = files.get(path);
    if (file === undefined) {
      request.reply(Uint8Array.of(0, ERROR, 0, FILE_NOT_FOUND, 0));
      return;
    }
    const transfer = { path, complete: false };
    transfers.push(transfer);
    startTransfer(station, request, FIRST_TRANSFER_PORT + transfers.length, { file, transfer, options });
  });
  return transfers;
}

interface Wanted {
  readonly file: Uint8Array;
  readonly transfer: TftpTransfer;
  /** Names and values in turn. */
  readonly options: readonly string[];
}

function startTransfer(station: HostStation, request: Datagram, port: number, wanted: Wanted): void {
  const { file, transfer, options } = wanted;
  const wish = Number(optionValue(options, "blksize") ?? DEFAULT_BLOCK_BYTES);
  const blockBytes = Math.min(wish, MOST_BLOCK_BYTES);
  // A file whose length is a multiple of the block's ends with an empty block.
  const blocks = Math.floor(file.length / blockBytes) + 1;
  let block = 0;
  station.serve(port, (message) => {
    if (message.data[1] !== ACK) return;
    const number = ((message.data[2] ?? 0) << 8) | (message.data[3] ?? 0);
    if (number === (block & 0xffff)) block++;
    if (block > blocks) transfer.complete = true;
    else message.reply(dataBlock(file, block, blockBytes));
  });
  if (options.length > 1) request.reply(optionsAck(options, blockBytes, file.length), { fromPort: port });
  else request.reply(dataBlock(file, ++block, blockBytes), { fromPort: port });
}

function dataBlock(file: Uint8Array, block: number, blockBytes: number): Uint8Array {
  const bytes = file.subarray((block - 1) * blockBytes, block * blockBytes);
  const message = new Uint8Array(4 + bytes.length);
  message.set([0, DATA, (block >> 8) & 0xff, block & 0xff]);
  message.set(bytes, 4);
  return message;
}

function optionsAck(options: readonly string[], blockBytes: number, fileBytes: number): Uint8Array {
  const accepted = [];
  if (optionValue(options, "blksize") !== undefined) accepted.push("blksize", String(blockBytes));
  if (optionValue(options, "tsize") !== undefined) accepted.push("tsize", String(fileBytes));
  const text = new TextEncoder().encode(accepted.map((word) => `${word}\0`).join(""));
  const message = new Uint8Array(2 + text.length);
  message.set([0, OPTIONS_ACK]);
  message.set(text, 2);
  return message;
}

function optionValue(options: readonly string[], name: string): string | undefined {
  const at = options.findIndex((option, i) => i % 2 === 0 && option.toLowerCase() === name);
  return at < 0 ? undefined : options[at + 1];
}
