import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { findProgram } from "../src/doctor/programs.ts";
import { because, NIC } from "./support/nic-process.ts";

/** What is typed, the last word not to its end, and what a shell offers for it. */
const CASES: readonly (readonly [typed: readonly string[], offered: readonly string[]])[] = [
  [["se"], ["serve"]],
  [
    ["capture", "st"],
    ["start", "stop"],
  ],
  [["capture", "start", "a", "first"], ["first file.pcapng"]],
  [["link", "do"], ["down"]],
  [["serve", "--driver", "m"], ["modern"]],
  [["serve", "--backend", "p"], ["pcap-live:"]],
  [["serve", "--waiting", "a"], ["adaptive"]],
  [["serve", "--mac", "a", "--fa"], ["--fault"]],
  [["serve", "--config", "fir"], ["first file.pcapng"]],
  [["serve", "--name", ""], []],
];

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "vmmkit-completion-"));
  writeFileSync(join(folder, "first file.pcapng"), "");
  for (const shell of ["bash", "zsh", "fish"]) {
    writeFileSync(join(folder, shell), execFileSync(process.execPath, [NIC, "completion", shell]));
  }
});

afterAll(() => rmSync(folder, { recursive: true }));

function run(program: string, ...args: readonly string[]): string[] {
  return execFileSync(program, args, { cwd: folder, encoding: "utf8", timeout: 20_000 })
    .split("\n")
    .filter((line) => line !== "");
}

describe("nic completion bash", () => {
  it.each(CASES)("%j", (typed, offered) => {
    const script = `source ./bash; COMP_WORDS=(nic "$@"); COMP_CWORD=$#; _nic; printf '%s\\n' "\${COMPREPLY[@]}"`;
    expect(run("bash", "--norc", "-c", script, "bash", ...typed)).toEqual(offered);
  });

  it("bash has it for nic", () => {
    expect(run("bash", "--norc", "-c", "source ./bash; complete -p nic")).toEqual([
      "complete -o filenames -F _nic nic",
    ]);
  });
});

const fish = findProgram("fish") !== null;
describe.skipIf(!fish)(`nic completion fish${because("fish", fish)}`, () => {
  it.each(CASES)("%j", (typed, offered) => {
    const last = typed.at(-1) ?? "";
    const line = `nic ${typed.slice(0, -1).join(" ")} ${last}`.replace("nic  ", "nic ");
    const lines = run("fish", "--no-config", "-c", "source ./fish; complete -C $argv[1]", line);
    expect(lines.map((text) => text.split("\t")[0]?.replaceAll("\\ ", " "))).toEqual([...offered]);
  });
});

const zsh = findProgram("zsh") !== null;
/** Types into an interactive zsh, and has it complete. */
const ZPTY = `
zmodload zsh/zpty
zpty shell zsh -f -i
zpty -w shell "PS1=; cd $PWD; source ./zsh; zstyle ':completion:*' list-colors ''; bindkey '^I' complete-word; echo RE''ADY"
zpty -r -m shell junk '*READY*'
zpty -w -n shell "$1"$'\\t'
zpty -r -m shell answer "*$2*"
zpty -d shell
print -r -- "$answer"
`;
describe.skipIf(!zsh)(`nic completion zsh${because("zsh", zsh)}`, () => {
  it("an interactive zsh completes", () => {
    // Where it does not, zsh waits for the word until it is ended.
    expect(run("zsh", "-f", "-c", ZPTY, "zsh", "nic serve --driver mod", "modern").join("\n")).toContain("modern");
  });
});
