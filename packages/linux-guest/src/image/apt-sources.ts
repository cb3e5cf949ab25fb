/** One entry of apt's list of sources: where binary packages are, without the kind of architecture. */
export interface AptSource {
  readonly uris: readonly string[];
  readonly suites: readonly string[];
  readonly components: readonly string[];
  /** Options that say how apt verifies and reads the archive, by their deb822 names in lower case. */
  readonly options: ReadonlyMap<string, string>;
}

/**
 * What is kept of an entry's options. Above all `signed-by`; never `trusted` and `allow-*`, which let apt take what
 * nobody signed.
 */
const KEPT_OPTIONS: ReadonlySet<string> = new Set([
  "signed-by",
  "check-valid-until",
  "check-date",
  "valid-until-max",
  "by-hash",
]);

/** Reads a file of the one-line style: `deb [signed-by=…] https://… bookworm main` (sources.list(5)). */
export function parseOneLineSources(text: string): AptSource[] {
  return text.split("\n").flatMap(parseLine);
}

function parseLine(line: string): AptSource[] {
  const match = /^\s*deb\s+(?:\[([^\]]*)\]\s+)?(.*)$/.exec(line.replace(/#.*/, ""));
  const [uri, suite, ...components] = (match?.[2] ?? "").trim().split(/\s+/);
  if (match === null || uri === undefined || suite === undefined || !isUsable(uri, suite)) return [];
  const options = new Map<string, string>();
  for (const option of (match[1] ?? "").split(/\s+/)) {
    const [name = "", ...value] = option.split("=");
    keep(options, name, value.join("="));
  }
  return [{ uris: [uri], suites: [suite], components, options }];
}

/** Reads a file of the deb822 style: paragraphs of fields, `URIs: …` (sources.list(5)). */
export function parseDeb822Sources(text: string): AptSource[] {
  const withoutComments = text.replace(/^#.*\n?/gm, "");
  return withoutComments.split(/\n[ \t]*\n/).flatMap((paragraph) => fromFields(parseFields(paragraph)));
}

/** The fields of a control paragraph by their names in lower case. A value keeps its line breaks. */
export function parseFields(paragraph: string): Map<string, string> {
  const fields = new Map<string, string>();
  for (const [, name, value] of paragraph.matchAll(/^([^\s:]+):((?:.*)(?:\n[ \t].*)*)/gm)) {
    if (name !== undefined && value !== undefined) fields.set(name.toLowerCase(), value.trim());
  }
  return fields;
}

function fromFields(fields: ReadonlyMap<string, string>): AptSource[] {
  const words = (name: string): string[] => (fields.get(name) ?? "").split(/\s+/).filter(Boolean);
  if (!words("types").includes("deb") || /^(no|false|0|off)$/i.test(fields.get("enabled") ?? "")) return [];
  const uris = words("uris").filter((uri) => isUsable(uri, ""));
  const suites = words("suites").filter((suite) => isUsable("", suite));
  if (uris.length === 0 || suites.length === 0) return [];
  const options = new Map<string, string>();
  for (const [name, value] of fields) keep(options, name, value);
  return [{ uris, suites, components: words("components"), options }];
}

/** Discs cannot be asked for, and a suite that ends with a slash is a flat folder of somebody's own packages. */
function isUsable(uri: string, suite: string): boolean {
  return !uri.startsWith("cdrom:") && !suite.endsWith("/");
}

function keep(options: Map<string, string>, name: string, value: string): void {
  const key = name.toLowerCase();
  if (KEPT_OPTIONS.has(key)) options.set(key, value);
}

/**
 * The entries that look like mirrors of Debian's own archive: their address says "debian" and they have the component
 * `main`. Where none does (a mirror behind another name), all entries are taken.
 */
export function debianSources(sources: readonly AptSource[]): AptSource[] {
  const debian = sources.filter(
    (source) => source.components.includes("main") && source.uris.some((uri) => /debian/i.test(uri)),
  );
  return debian.length > 0 ? debian : [...sources];
}

/** The same archives, asked for another release: `trixie-security` becomes `bookworm-security`. */
export function withRelease(sources: readonly AptSource[], release: string): AptSource[] {
  return sources.map((source) => ({
    ...source,
    suites: [...new Set(source.suites.map((suite) => release + suiteSuffix(suite)))],
  }));
}

function suiteSuffix(suite: string): string {
  // Releases before bullseye called their security suite "<release>/updates".
  if (/(-security|\/updates)$/.test(suite)) return "-security";
  return suite.endsWith("-updates") ? "-updates" : "";
}

/** Writes entries as a file of the deb822 style that asks for one architecture. */
export function renderDeb822(sources: readonly AptSource[], architecture: string): string {
  return sources
    .map(({ uris, suites, components, options }) =>
      [
        "Types: deb",
        `URIs: ${uris.join(" ")}`,
        `Suites: ${suites.join(" ")}`,
        `Components: ${components.join(" ")}`,
        `Architectures: ${architecture}`,
        ...[...options].map(([name, value]) => `${name}: ${value}`),
      ].join("\n"),
    )
    .join("\n\n")
    .concat("\n");
}
