import { fileURLToPath } from "node:url";
import { Contender } from "../measure/contender.ts";
import type { BenchNetwork } from "./bench-network.ts";
import type { NativeTap } from "./native-tap.ts";

const PROGRAM = fileURLToPath(new URL("./program.ts", import.meta.url));

/** Node's own code in huge pages, where the kernel has them: a long copy leaves little of it in the processor's tables. */
const LARGE_PAGES = "--use-largepages=silent";

/** A program, and who wrote it. */
export type Language = "C" | "ours";

/** The command line of a program in one of the languages: a file and its arguments. */
export function programOf(language: Language, native: NativeTap, args: readonly string[]): [string, string[]] {
  return language === "C" ? [native.file, [...args]] : ourProgram(args);
}

function ourProgram(args: readonly string[]): [string, string[]] {
  return [process.execPath, [LARGE_PAGES, "--import", "tsx", PROGRAM, ...args]];
}

/** Starts a program in a network namespace. */
export function startProgram(
  network: BenchNetwork,
  language: Language,
  native: NativeTap,
  ...args: string[]
): Contender {
  const [file, all] = programOf(language, native, args);
  return new Contender(`${language}: ${args.join(" ")}`, ...network.command(file, ...all));
}

/** Starts one of ours in a network namespace. */
export function startOurs(network: BenchNetwork, ...args: string[]): Contender {
  const [file, all] = ourProgram(args);
  return new Contender(`ours: ${args.join(" ")}`, ...network.command(file, ...all));
}
