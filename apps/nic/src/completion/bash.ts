import { allCommands, type KnownCommand, type ValueKind } from "./command-tree.ts";

/** A completion for bash. */
export function bashCompletion(program: string, tree: KnownCommand): string {
  const commands = allCommands(tree);
  const name = (command: KnownCommand): string => [program, ...command.path].join(" ");
  const parts = commands.filter(({ path }) => path.length > 0).map((command) => `"${name(command)}"`);
  const values = commands.flatMap((command) =>
    command.options.flatMap(({ flag, value }) =>
      value === null ? [] : [[`${name(command)} ${flag}`, value] as const],
    ),
  );
  const words = commands.map((command) => {
    const all = [...command.commands.map(({ path }) => path.at(-1) ?? ""), ...command.value.words];
    const flags = command.options.map(({ flag }) => flag);
    return `    "${name(command)}") words="${[...all, ...flags].join(" ")}"; files=${command.value.files} ;;`;
  });
  return `# Completion of ${program} for bash. Load it with: source <(${program} completion bash)
_${program}() {
  local cur="\${COMP_WORDS[COMP_CWORD]}" prev="\${COMP_WORDS[COMP_CWORD-1]}"
  local command=${program} words="" files=false i
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "$command \${COMP_WORDS[i]}" in
      ${parts.join(" | ")}) command="$command \${COMP_WORDS[i]}" ;;
    esac
  done
  COMPREPLY=()
  case "$command $prev" in
${values.map(([what, value]) => `    "${what}") ${answer(program, value)}; return ;;`).join("\n")}
  esac
  case "$command" in
${words.join("\n")}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
  if [ "$files" = true ]; then _${program}_files; fi
}
_${program}_files() {
  local IFS=$'\\n'
  COMPREPLY+=($(compgen -f -- "$cur"))
}
complete -o filenames -F _${program} ${program}
`;
}

/** A completion for zsh: bash's, which zsh knows how to run. */
export function zshCompletion(program: string, tree: KnownCommand): string {
  return `# Completion of ${program} for zsh. Load it with: source <(${program} completion zsh)
autoload -U +X compinit && compinit -u
autoload -U +X bashcompinit && bashcompinit
${bashCompletion(program, tree)}`;
}

function answer(program: string, { words, files }: ValueKind): string {
  if (files) return `_${program}_files`;
  return words.length === 0 ? ":" : `COMPREPLY=($(compgen -W "${words.join(" ")}" -- "$cur"))`;
}
