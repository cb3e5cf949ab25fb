import { readFile } from "node:fs/promises";
import { publint } from "publint";
import { formatMessage } from "publint/utils";
import { runTool } from "../command.ts";
import type { Tarball } from "./pack.ts";

/** What publint finds wrong with a packed package, a line each. Its warnings count. */
export async function lintTarball({ item, path }: Tarball): Promise<string[]> {
  const bytes = await readFile(path);
  const tarball = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
  const { messages, pkg } = await publint({ pack: { tarball }, strict: true });
  return messages.map((message) => `${item.path}: ${formatMessage(message, pkg, { color: false }) ?? message.code}`);
}

/** What "are the types wrong" finds in a packed package for those who import it as ECMAScript modules. */
export async function judgeTypes(root: string, { item, path }: Tarball): Promise<string[]> {
  // Without a look at DefinitelyTyped, which would ask the registry.
  const args = [path, "--profile", "esm-only", "--no-definitely-typed", "--no-emoji", "--no-color"];
  const { code, output } = await runTool("@arethetypeswrong/cli", "attw", args, { cwd: root });
  return code === 0 ? [] : [`${item.path}: ${output}`];
}
