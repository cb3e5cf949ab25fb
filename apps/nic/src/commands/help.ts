/** Sections behind a command's options, each indented under its heading. */
export function helpSections(sections: Readonly<Record<string, string>>): string {
  return Object.entries(sections)
    .map(([heading, text]) => `\n${heading}:\n${text.replaceAll(/^(?=.)/gm, "  ")}\n`)
    .join("");
}

/** What every command has in common. */
export const COMMON_SECTIONS: Readonly<Record<string, string>> = {
  "Exit status": `0    done; nic serve: ended by SIGINT or SIGTERM
1    it could not be done, and standard error says why; nic doctor: no card can be used here
2    the command line makes no sense`,
};
