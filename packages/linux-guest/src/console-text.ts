const KEPT_CHARACTERS = 256 << 10;

/** Gathers the bytes of a console into text, and hands it on in pieces of a turn of the event loop. */
export class ConsoleText {
  readonly #onText: (text: string) => void;
  readonly #decoder = new TextDecoder();
  #pending: number[] = [];
  #kept = "";

  /** @param onText gets each piece */
  constructor(onText: (text: string) => void) {
    this.#onText = onText;
  }

  /** The text so far, at most its last 256 Ki characters. */
  get text(): string {
    return this.#kept;
  }

  /** Takes a byte of the console. */
  add(byte: number): void {
    if (this.#pending.push(byte) === 1) setImmediate(() => this.#flush());
  }

  #flush(): void {
    const text = this.#decoder.decode(Uint8Array.from(this.#pending), { stream: true });
    this.#pending = [];
    if (text === "") return;
    this.keep(text);
    this.#onText(text);
  }

  /** Takes text that somebody else decoded. */
  keep(text: string): void {
    this.#kept = (this.#kept + text).slice(-KEPT_CHARACTERS);
  }
}

/** The last lines of a console, for an error's message. */
export function consoleTail(text: string): string {
  return text.trimEnd().split(/\r?\n/).slice(-5).join("\n");
}
