import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { transform } from "esbuild";

/** The address that passt gives its guest: the host's own, in the namespace. */
export const GUEST_ADDRESS = "10.9.0.1";
/** The host, as the guest sees it: passt maps the gateway to the host's loopback address. */
const GATEWAY = "10.9.0.254";
/** A name that the host's name server knows: the gateway. */
export const HOST_NAME = "files.lab.example";
/** How long the file is that the host serves. */
export const FILE_BYTES = 3_000_001;

/** Nobody, where the tests run as root: passt is to need no privileges. */
const NOBODY = 65_534;
const UNSHARE = ["--user", "--map-root-user", "--net"];

/** An interface with a default route: where passt looks for the addresses that it hands out. */
const SETUP = `set -e
ip link set lo up
ip link add up0 type veth peer name up1
ip link set up1 up
ip link set up0 up
ip addr add ${GUEST_ADDRESS}/24 dev up0
ip route add default via ${GATEWAY}
exec node --input-type=module -`;

/** Who runs it: this user, or nobody where that is root. */
function identity(): { uid?: number; gid?: number } {
  return process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {};
}

/** Why passt cannot be run here; null where it can. */
export function whyNoPasst(): string | null {
  try {
    execFileSync("passt", ["--version"], { stdio: "pipe" });
  } catch {
    return "passt is not installed";
  }
  try {
    execFileSync("unshare", [...UNSHARE, "true"], { ...identity(), stdio: "pipe" });
    return null;
  } catch (error) {
    return `users may make no namespaces here: ${(error as Error).message.trim()}`;
  }
}

/** passt in a user and network namespace of its own, with a name server and a web server on the host's side. */
export class PasstNetwork {
  /** What a card connects to. */
  readonly socketPath: string;
  readonly #folder: string;
  readonly #process: ChildProcess;
  #said = "";

  private constructor(folder: string, script: string) {
    this.#folder = folder;
    this.socketPath = join(folder, "passt.sock");
    this.#process = spawn("unshare", [...UNSHARE, "sh", "-c", SETUP], {
      ...identity(),
      stdio: ["pipe", "pipe", "pipe"],
      env: {
        ...process.env,
        VMMKIT_NAME: HOST_NAME,
        VMMKIT_GATEWAY: GATEWAY,
        VMMKIT_SOCKET: this.socketPath,
        VMMKIT_FILE_BYTES: String(FILE_BYTES),
      },
    });
    for (const stream of [this.#process.stdout, this.#process.stderr]) {
      stream?.setEncoding("utf8").on("data", (text: string) => {
        this.#said += text;
      });
    }
    this.#process.stdin?.end(script);
  }

  /** Starts it. The socket is there a moment later; a stream backend that connects waits for that. */
  static async start(): Promise<PasstNetwork> {
    const source = await readFile(new URL("services.ts", import.meta.url), "utf8");
    const { code } = await transform(source, { loader: "ts", format: "esm" });
    const folder = await mkdtemp(join(tmpdir(), "vmmkit-passt-"));
    // Whoever runs passt has to make its socket here.
    await chmod(folder, 0o777);
    return new PasstNetwork(folder, code);
  }

  /** What passt and the servers said, for messages. */
  get said(): string {
    return this.#said;
  }

  /** The user that passt runs as, outside of the namespace. */
  async userId(): Promise<number> {
    const status = await readFile(`/proc/${this.#process.pid}/status`, "utf8");
    return Number(/^Uid:\s+(\d+)/m.exec(status)?.[1]);
  }

  /** Ends all of it. */
  async close(): Promise<void> {
    if (this.#process.exitCode === null && this.#process.signalCode === null) {
      const ended = once(this.#process, "exit");
      this.#process.kill("SIGTERM");
      await ended;
    }
    await rm(this.#folder, { recursive: true, force: true });
  }
}
