import { chmod, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { GuestImageError } from "../errors.ts";
import {
  type AptSource,
  debianSources,
  parseDeb822Sources,
  parseFields,
  parseOneLineSources,
  renderDeb822,
} from "./apt-sources.ts";
import { lastLines, mustRun, runTool } from "./run-tool.ts";

/** Told how far apt is, from 0 to 1. */
type OnFraction = (fraction: number) => void;

/** What apt says of the version of a package that it would install. */
export interface AptPackage {
  readonly name: string;
  readonly version: string;
  /** The field "Depends" as it stands. */
  readonly depends: string;
}

/**
 * apt working for another architecture than the machine's, beside the machine's own apt: lists, caches and
 * configuration of its own in one folder, sources and keys and proxies of the machine. Needs no root and changes
 * nothing outside the folder. Signatures are checked as the machine's own apt checks them.
 */
export class AptState {
  readonly #folder: string;
  readonly #architecture: string;
  readonly #signal: AbortSignal | undefined;

  private constructor(folder: string, architecture: string, signal: AbortSignal | undefined) {
    this.#folder = folder;
    this.#architecture = architecture;
    this.#signal = signal;
  }

  /**
   * @param folder an empty folder that the caller removes afterwards. Root's apt downloads as the user `_apt`, so
   * everybody must be able to enter it
   * @param architecture Debian's name for it, as `i386`
   */
  static async create(folder: string, architecture: string, signal?: AbortSignal): Promise<AptState> {
    const parts = ["state/lists/partial", "cache/archives/partial", "log", "sources", "packages"];
    for (const part of parts) await mkdir(join(folder, part), { recursive: true });
    await chmod(folder, 0o755);
    await writeFile(join(folder, "status"), "");
    await writeFile(join(folder, "apt.conf"), configuration(folder, architecture));
    return new AptState(folder, architecture, signal);
  }

  /**
   * Fetches the lists of packages. An archive that cannot be read is passed over, as long as another has answers.
   * @returns what apt complained of, empty where nothing failed
   */
  async update(sources: readonly AptSource[], onFraction: OnFraction): Promise<string> {
    const file = join(this.#folder, "sources", "vmmkit.sources");
    await writeFile(file, renderDeb822(sources, this.#architecture));
    const args = ["-c", this.#configuration, "-o", "APT::Status-Fd=3", "-q", "update"];
    const options = { signal: this.#signal, onStatusLine: fractionReader(onFraction) };
    const { code, stderr } = await runTool("apt-get", args, options);
    return code === 0 ? "" : lastLines(stderr);
  }

  /** What apt would install under each of the names, for those that it knows. */
  async candidates(names: readonly string[]): Promise<AptPackage[]> {
    const args = ["-c", this.#configuration, "show", "--no-all-versions", ...names];
    const { stdout } = await runTool("apt-cache", args, { signal: this.#signal });
    return stdout.toString().split(/\n\n+/).flatMap(toPackage);
  }

  /**
   * Downloads and verifies packages.
   * @returns paths of their files, by the packages' names
   * @throws GuestImageError where one cannot be had
   */
  async download(packages: readonly AptPackage[], onFraction: OnFraction): Promise<Map<string, string>> {
    const cwd = join(this.#folder, "packages");
    const wanted = packages.map(({ name, version }) => `${name}=${version}`);
    const args = ["-c", this.#configuration, "-o", "APT::Status-Fd=3", "-q", "download", ...wanted];
    await mustRun("apt-get", args, { cwd, signal: this.#signal, onStatusLine: fractionReader(onFraction) });
    const files = await readdir(cwd);
    return new Map(packages.map(({ name }) => [name, join(cwd, fileOf(name, files))]));
  }

  /**
   * Downloads and verifies a package and all that it depends on.
   * @returns paths of their files
   * @throws GuestImageError where one cannot be had
   */
  async downloadClosure(name: string, onFraction: OnFraction): Promise<string[]> {
    const what = ["install", "--download-only", "--no-install-recommends", "--yes", name];
    const args = ["-c", this.#configuration, "-o", "APT::Status-Fd=3", "-q", ...what];
    await mustRun("apt-get", args, { signal: this.#signal, onStatusLine: fractionReader(onFraction) });
    const folder = join(this.#folder, "cache", "archives");
    const files = await readdir(folder);
    return files.filter((file) => file.endsWith(".deb")).map((file) => join(folder, file));
  }

  get #configuration(): string {
    return join(this.#folder, "apt.conf");
  }
}

/**
 * The entries of the machine's own apt that are Debian's archive.
 * @throws GuestImageError where the machine has no apt, or apt has no sources
 */
export async function machineSources(): Promise<AptSource[]> {
  const settings = ["LIST", "Dir::Etc::sourcelist/f", "PARTS", "Dir::Etc::sourceparts/d"];
  const shell = (await mustRun("apt-config", ["shell", ...settings])).toString();
  const setting = (name: string): string => new RegExp(`^${name}='(.*)'$`, "m").exec(shell)?.[1] ?? "";
  const parts = await readdir(setting("PARTS")).catch(() => []);
  const files = [setting("LIST"), ...parts.sort().map((file) => join(setting("PARTS"), file))];
  const sources: AptSource[] = [];
  for (const file of files) {
    const text = await readFile(file, "utf8").catch(() => "");
    if (file.endsWith(".list")) sources.push(...parseOneLineSources(text));
    if (file.endsWith(".sources")) sources.push(...parseDeb822Sources(text));
  }
  if (sources.length === 0) throw new GuestImageError("apt has no sources on this machine");
  return debianSources(sources);
}

/**
 * apt reads the machine's configuration first and this behind it, so proxies, keys and credentials stay the
 * machine's. What the machine runs after an update (`#clear`) is for its own state, not for this one.
 */
function configuration(folder: string, architecture: string): string {
  return `#clear APT::Architectures;
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
APT::Architecture "${architecture}";
APT::Architectures { "${architecture}"; };
APT::Get::AllowUnauthenticated "false";
Acquire::AllowInsecureRepositories "false";
Acquire::AllowDowngradeToInsecureRepositories "false";
Acquire::Languages "none";
Dir::State "${folder}/state";
Dir::State::status "${folder}/status";
Dir::Cache "${folder}/cache";
Dir::Log "${folder}/log";
Dir::Etc::sourcelist "/dev/null";
Dir::Etc::sourceparts "${folder}/sources";
Dir::Etc::preferences "/dev/null";
Dir::Etc::preferencesparts "/dev/null";
`;
}

/** apt's status lines: `dlstatus:<item>:<percent of all>:<what>`. */
function fractionReader(onFraction: OnFraction): (line: string) => void {
  return (line) => {
    const percent = /^dlstatus:\d+:([\d.]+):/.exec(line)?.[1];
    if (percent !== undefined) onFraction(Number(percent) / 100);
  };
}

function toPackage(paragraph: string): AptPackage[] {
  const fields = parseFields(paragraph);
  const [name, version] = [fields.get("package"), fields.get("version")];
  if (name === undefined || version === undefined) return [];
  return [{ name, version, depends: fields.get("depends") ?? "" }];
}

function fileOf(name: string, files: readonly string[]): string {
  const file = files.find((candidate) => candidate.startsWith(`${name}_`) && candidate.endsWith(".deb"));
  if (file === undefined) throw new GuestImageError(`apt-get did not download "${name}"`);
  return file;
}
