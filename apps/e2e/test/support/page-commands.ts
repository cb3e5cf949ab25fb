import { readFileSync } from "node:fs";

/**
 * The shell commands of a page of the documents, so that a test runs what the page says.
 * @returns the text of each block that starts with "```sh NAME", by its name
 */
export function pageCommands(page: URL): ReadonlyMap<string, string> {
  const blocks = readFileSync(page, "utf8").matchAll(/^```sh (\S+)\n([\s\S]*?)^```$/gm);
  return new Map([...blocks].map(([, name = "", commands = ""]) => [name, commands]));
}
