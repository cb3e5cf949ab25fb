import { Argument, Command } from "commander";
import { bashCompletion, zshCompletion } from "../completion/bash.ts";
import { commandTree } from "../completion/command-tree.ts";
import { fishCompletion } from "../completion/fish.ts";
import { helpSections } from "./help.ts";

const SHELLS = { bash: bashCompletion, zsh: zshCompletion, fish: fishCompletion } as const;

/** `nic completion`: a script for a shell, made of the definitions that parse the command line. */
export function completionCommand(program: () => Command): Command {
  return new Command("completion")
    .description("prints the script that has a shell complete commands, options and their values")
    .addArgument(new Argument("<shell>").choices(Object.keys(SHELLS)))
    .addHelpText("after", helpSections({ "To load it": LOAD }))
    .action((shell: keyof typeof SHELLS) => {
      const top = program();
      process.stdout.write(SHELLS[shell](top.name(), commandTree(top)));
    });
}

const LOAD = `bash   source <(nic completion bash)
zsh    source <(nic completion zsh)
fish   nic completion fish | source`;
