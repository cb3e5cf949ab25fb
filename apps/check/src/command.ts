import { spawn } from "node:child_process";
import { createRequire } from "node:module";
import { dirname, resolve } from "node:path";
import { createInterface } from "node:readline";

/** What a command answered. `output` is standard output and standard error as they came. */
export interface CommandResult {
  readonly code: number;
  readonly output: string;
}

export interface CommandOptions {
  readonly cwd: string;
  /** Called with each line as it comes. Without it nothing is shown while the command runs. */
  readonly onLine?: (line: string) => void;
}

/** No tool that we start may ask a network for anything, or wait for somebody to type. */
const QUIET = { TURBO_TELEMETRY_DISABLED: "1", DO_NOT_TRACK: "1", NO_UPDATE_NOTIFIER: "1" };

/** Runs a program to its end. A program that cannot be started counts as code 127. */
export function runCommand(file: string, args: readonly string[], options: CommandOptions): Promise<CommandResult> {
  return new Promise((settle) => {
    const child = spawn(file, args, {
      cwd: options.cwd,
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, ...QUIET, ...(process.stdout.isTTY ? { FORCE_COLOR: "1" } : {}) },
    });
    const lines: string[] = [];
    const take = (line: string): void => {
      lines.push(line);
      options.onLine?.(line);
    };
    createInterface({ input: child.stdout }).on("line", take);
    createInterface({ input: child.stderr }).on("line", take);
    child.on("error", (error) => settle({ code: 127, output: `${file}: ${error.message}` }));
    child.on("close", (code) => settle({ code: code ?? 128, output: lines.join("\n") }));
  });
}

/** Runs the program `binary` of an installed npm package with this Node. */
export function runTool(
  packageName: string,
  binary: string,
  args: readonly string[],
  options: CommandOptions,
): Promise<CommandResult> {
  return runCommand(process.execPath, [toolPath(packageName, binary), ...args], options);
}

/** Runs the pnpm that started us; on its own, the one on the PATH. */
export function runPnpm(args: readonly string[], options: CommandOptions): Promise<CommandResult> {
  const started = process.env["npm_execpath"];
  if (started !== undefined && /pnpm[^/\\]*$/.test(started)) {
    return /\.c?js$/.test(started)
      ? runCommand(process.execPath, [started, ...args], options)
      : runCommand(started, args, options);
  }
  return runCommand("pnpm", args, options);
}

/** Where a package keeps one of its programs, by the "bin" of its package.json. */
function toolPath(packageName: string, binary: string): string {
  const require = createRequire(import.meta.url);
  const manifestPath = packageManifest(require, packageName);
  const manifest = require(manifestPath) as { bin: string | Record<string, string> };
  const path = typeof manifest.bin === "string" ? manifest.bin : manifest.bin[binary];
  if (path === undefined) throw new RangeError(`"binary" expected a program of ${packageName}, got "${binary}"`);
  return resolve(dirname(manifestPath), path);
}

/** The package.json of an installed package, also of one whose exports do not name it. */
function packageManifest(require: NodeJS.Require, packageName: string): string {
  for (const folder of require.resolve.paths(packageName) ?? []) {
    const path = resolve(folder, packageName, "package.json");
    try {
      return require.resolve(path);
    } catch {
      // Not in this folder; the next one up may have it.
    }
  }
  throw new Error(`"${packageName}" is not installed`);
}
