import type { V86 } from "v86";

/** The shell on a guest's serial console, used as a person would. */
export class GuestConsole {
  /** The end of what the guest wrote. */
  text = "";
  readonly #emulator: V86;
  #wake: () => void = () => {};

  /** @param emulator does not run yet */
  constructor(emulator: V86) {
    this.#emulator = emulator;
    emulator.add_listener("serial0-output-byte", (byte) => {
      this.text = (this.text + String.fromCharCode(byte)).slice(-4096);
      this.#wake();
    });
  }

  /** Waits for the first prompt, and keeps kernel messages off the console from then on. */
  async ready(): Promise<void> {
    await this.#match(/ # /);
    await this.run("dmesg -n 1");
  }

  /** Runs a command. @returns what it wrote. @throws Error with that where it fails */
  async run(command: string): Promise<string> {
    // The terminal echoes what is typed, which is told from what is written by the quotation marks.
    this.#emulator.serial0_send(`echo "<<"; ${command}; echo ">>"$?\n`);
    const [, output = "", status] = await this.#match(/<<\r\n([\s\S]*?)>>(\d+)\r\n/);
    if (status !== "0") throw new Error(`"${command}" ended with ${status}: ${output}`);
    return output.trim();
  }

  async #match(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const match = pattern.exec(this.text);
      if (match !== null) {
        this.text = this.text.slice(match.index + match[0].length);
        return match;
      }
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}
