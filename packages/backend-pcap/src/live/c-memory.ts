import { addressOf, readCString } from "@vmmkit/posix";

/** `PCAP_ERRBUF_SIZE`. */
const ERROR_BYTES = 256;

/** Memory of ours that C fills with addresses and other words. */
export class Words {
  /** 32-bit words, little-endian. */
  readonly words: Uint32Array;
  /** Of the first word. Good as long as this object is referred to. */
  readonly address: number;

  constructor(count: number) {
    this.words = new Uint32Array(new ArrayBuffer(count * 4));
    this.address = addressOf(this.words);
  }

  /** The address that starts at a word: 48 bits at most, so the number is exact. */
  pointer(at: number): number {
    return (this.words[at] ?? 0) + (this.words[at + 1] ?? 0) * 0x1_0000_0000;
  }
}

/** The buffer that libpcap writes an error's text into. */
export class ErrorText {
  readonly #bytes: Uint8Array = new Uint8Array(new ArrayBuffer(ERROR_BYTES));
  readonly address: number = addressOf(this.#bytes);

  /** What is in it. */
  get text(): string {
    return this.#bytes[0] === 0 ? "" : (readCString(this.address) ?? "");
  }
}
