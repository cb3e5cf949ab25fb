import { allCommands, type KnownCommand, type KnownOption } from "./command-tree.ts";

/** A completion for fish. */
export function fishCompletion(program: string, tree: KnownCommand): string {
  const lines = allCommands(tree).flatMap((command) => linesOf(program, command));
  return `# Completion of ${program} for fish. Load it with: ${program} completion fish | source
complete -c ${program} -f
${lines.join("\n")}
`;
}

function linesOf(program: string, command: KnownCommand): string[] {
  const start = `complete -c ${program} -n ${quoted(condition(command))}`;
  const commands = command.commands.map(
    ({ path, description }) => `${start} -a ${path.at(-1)} -d ${quoted(description)}`,
  );
  const words = command.value.words.map((word) => `${start} -a ${quoted(word)}`);
  const files = command.value.files ? [`${start} -F`] : [];
  return [...commands, ...words, ...files, ...command.options.map((option) => `${start} ${optionOf(option)}`)];
}

/** Where a command was named, and none that is a part of it. */
function condition({ path, commands }: KnownCommand): string {
  const named = path.map((name) => `__fish_seen_subcommand_from ${name}`);
  const parts = commands.flatMap((part) => part.path.at(-1) ?? []);
  const none = parts.length === 0 ? [] : [`not __fish_seen_subcommand_from ${parts.join(" ")}`];
  return [...named, ...none].join("; and ");
}

function optionOf({ flag, description, value }: KnownOption): string {
  const name = flag.startsWith("--") ? `-l ${flag.slice(2)}` : `-s ${flag.slice(1)}`;
  return `${name}${optionValue(value)} -d ${quoted(description)}`;
}

function optionValue(value: KnownOption["value"]): string {
  if (value === null) return "";
  if (value.files) return " -r -F";
  return value.words.length === 0 ? " -x" : ` -x -a ${quoted(value.words.join(" "))}`;
}

function quoted(text: string): string {
  return `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
}
