import type { Argument, Command, Option } from "commander";

/** What comes behind an option, or in the place of an argument. */
export interface ValueKind {
  /** Words to choose from. */
  readonly words: readonly string[];
  /** Names of files. */
  readonly files: boolean;
}

/** An option as a completion knows it. */
export interface KnownOption {
  /** "--backend". */
  readonly flag: string;
  readonly description: string;
  /** Null where nothing comes behind it. */
  readonly value: ValueKind | null;
}

/** A command with what may follow it. */
export interface KnownCommand {
  /** Its name behind those that it is a part of: ["capture", "start"]. */
  readonly path: readonly string[];
  readonly description: string;
  readonly commands: readonly KnownCommand[];
  readonly options: readonly KnownOption[];
  /** What its arguments may be, all together. */
  readonly value: ValueKind;
}

/** Values that a parser takes more of than there are words for. */
const HINTS: Readonly<Record<string, readonly string[]>> = {
  "--backend": ["hub", "null", "tap:", "socket:", "pcap-live:"],
  "--uplink": ["tap:", "socket:", "pcap-live:"],
  "--driver": ["legacy", "transitional", "modern"],
  "--waiting": ["wait", "adaptive", "poll"],
};
const FILES: readonly string[] = ["path", "file", "program"];

/** What there is to complete, out of the definitions that parse the command line. */
export function commandTree(command: Command, path: readonly string[] = []): KnownCommand {
  const help = command.createHelp();
  const values = command.registeredArguments.map(argumentValue);
  return {
    path,
    description: command.description(),
    commands: command.commands.map((one) => commandTree(one, [...path, one.name()])),
    options: help.visibleOptions(command).map(knownOption),
    value: { words: values.flatMap(({ words }) => words), files: values.some(({ files }) => files) },
  };
}

/** A command and all that are parts of it. */
export function allCommands(command: KnownCommand): KnownCommand[] {
  return [command, ...command.commands.flatMap(allCommands)];
}

function knownOption(option: Option): KnownOption {
  const { long, short, description, required, optional, argChoices, flags } = option;
  const flag = long ?? short ?? flags;
  const takesValue = required || optional;
  const words = argChoices ?? HINTS[flag] ?? [];
  return { flag, description, value: takesValue ? { words, files: isFile(flags) } : null };
}

function argumentValue(argument: Argument): ValueKind {
  return { words: argument.argChoices ?? [], files: FILES.includes(argument.name()) };
}

function isFile(flags: string): boolean {
  const [, name = ""] = /[<[](\w+)[\]>]/.exec(flags) ?? [];
  return FILES.includes(name);
}
