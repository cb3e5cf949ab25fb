import { Command, InvalidArgumentError, Option } from "commander";
import { BACKENDS, type BackendChoice, parseBackend } from "./backends/index.ts";

/** How the guests' drivers reach their cards: the legacy registers, or the modern ones with split or packed virtqueues. */
export type DriverKind = "legacy" | "modern" | "packed";
const DRIVERS: readonly DriverKind[] = ["legacy", "modern", "packed"];

/** What the user asked for. */
export interface DemoOptions {
  readonly backend: BackendChoice;
  readonly guests: number;
  readonly driver: DriverKind;
  readonly shell: boolean;
  readonly keep: boolean;
  readonly json: boolean;
  readonly iperf: boolean;
  /** Whether the report lists what was negotiated. */
  readonly features: boolean;
  readonly mebibytes: number;
  readonly capture: string;
  readonly kernel?: string;
  readonly initrd?: string;
  readonly bios?: string;
  readonly vgaBios?: string;
}

/** One command line for all kinds; `parseOptions` then looks at the one that was chosen. */
const MOST_GUESTS = 16;
const MOST_MEBIBYTES = 40;

/** Reads the command line. Prints help or an error and ends the process where there is one to print. */
export function parseOptions(argv: readonly string[]): DemoOptions {
  const command = new Command("demo")
    .description(
      "Boots real Linux guests, each with vmmkit's network card, lets them ping each other and move data,\n" +
        "and says how fast that was. Ends with status 0 only if nothing was lost and every checksum matched.",
    )
    .addOption(
      new Option("--backend <kind>", `what carries the guests' frames: ${backendHelp()}`)
        .argParser(backendChoice)
        .default(parseBackend("hub"), "hub"),
    )
    .option("--guests <n>", "how many guests, up to 16", wholeNumber(1, MOST_GUESTS))
    .addOption(
      new Option("--driver <kind>", "which interface the guests' drivers use").choices(DRIVERS).default("legacy"),
    )
    .option("--size <MiB>", `bytes of each transfer, 1 to ${MOST_MEBIBYTES}`, wholeNumber(1, MOST_MEBIBYTES), 16)
    .option("--iperf", "run iperf3 too, which takes Debian's into the guests", false)
    .option("--features", "list what each guest's driver negotiated, feature by feature", false)
    .option("--capture <file>", "where the frames go, for Wireshark", "demo.pcapng")
    .option("--shell", "no tests: a shell on the first guest's console", false)
    .option("--keep", "leave the guests running after the tests, until Ctrl-C", false)
    .option("--json", "results as JSON, and nothing else on standard output", false)
    .option("--kernel <file>", "a kernel of your own: a 32-bit bzImage")
    .option("--initrd <file>", "an initial RAM disk made by vmmkit, to go with --kernel")
    .option("--bios <file>", "SeaBIOS for --kernel: bios.bin")
    .option("--vga-bios <file>", "SeaBIOS for --kernel: vgabios-stdvga.bin")
    .showHelpAfterError("(--help says what there is)")
    .parse(argv, { from: "user" });
  const { size, guests, backend, ...options } = command.opts();
  const { min, max, usual } = (backend as BackendChoice).kind.guests;
  if (guests !== undefined && (guests < min || guests > max)) {
    const what = `option '--guests <n>' argument '${guests}' is invalid.`;
    command.error(`error: ${what} expected a whole number from ${min} to ${max}.`);
  }
  return { ...options, backend, guests: guests ?? usual, mebibytes: size } as DemoOptions;
}

function backendHelp(): string {
  return Object.values(BACKENDS)
    .map(({ usage, summary }) => `${usage} (${summary})`)
    .join("; ");
}

function backendChoice(text: string): BackendChoice {
  try {
    return parseBackend(text);
  } catch (error) {
    throw new InvalidArgumentError(error instanceof Error ? error.message : String(error));
  }
}

function wholeNumber(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!Number.isInteger(value) || value < min || value > max) {
      throw new InvalidArgumentError(`expected a whole number from ${min} to ${max}.`);
    }
    return value;
  };
}
