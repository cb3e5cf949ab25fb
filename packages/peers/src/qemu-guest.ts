import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { access, appendFile, constants, mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CommandChannel, type CommandResult, ensureGuestImage } from "@vmmkit/linux-guest";

/** A virtio-net card of QEMU's own. */
export interface QemuCard {
  readonly mac: string;
  /** What its frames go through: `-netdev` without the id. */
  readonly netdev: string;
}

/** How QEMU is started. */
export interface QemuOptions {
  /** The program and its first arguments. Default: the machine's own `qemu-system-i386`. */
  readonly command?: readonly string[];
  /** More arguments: devices. */
  readonly parameters?: readonly string[];
  /** Whether `command` says how much memory there is. Default: 128 MiB. */
  readonly ownMemory?: boolean;
  /** Cpio archives unpacked over the guest's files. */
  readonly overlays?: readonly string[];
}

const COMMAND_TIMEOUT_MS = 300_000;

/**
 * The same kernel and busybox as in the other guests, in QEMU: its processor, its cards, its network code. No KVM:
 * tests run everywhere.
 */
export class QemuGuest {
  readonly name: string;
  /** As a `LinuxGuest` has it. */
  readonly guest: { run(script: string): Promise<CommandResult> } = { run: (script) => this.#run(script) };
  readonly #folder: string;
  readonly #server: Server;
  readonly #process: ChildProcess;
  readonly #channel: CommandChannel;
  #ready: Promise<void>;
  #becomeReady: () => void = () => {};
  #becomeLost: (reason: Error) => void = () => {};
  #said = "";
  #line: Socket | null = null;

  private constructor(name: string, folder: string, server: Server, command: readonly string[]) {
    this.name = name;
    this.#folder = folder;
    this.#server = server;
    this.#channel = new CommandChannel(
      (bytes) => void this.#line?.write(bytes),
      () => this.#becomeReady(),
    );
    server.on("connection", (line) => {
      this.#line = line;
      line.on("data", (bytes: Buffer) => {
        for (const byte of bytes) this.#channel.receive(byte);
      });
      line.on("error", () => {});
    });
    const [program = "", ...parameters] = command;
    this.#process = spawn(program, parameters, { stdio: ["ignore", "pipe", "pipe"] });
    for (const stream of [this.#process.stdout, this.#process.stderr]) {
      stream?.setEncoding("utf8").on("data", (text: string) => {
        this.#said += text;
      });
    }
    this.#process.once("exit", (code) => this.#lost(new Error(`QEMU ended with ${code}: ${this.#said}`)));
    this.#process.once("error", (error) => this.#lost(error));
    this.#ready = this.#whenReady();
  }

  /** Boots a guest, and waits until it takes commands. */
  static async boot(name: string, cards: readonly QemuCard[], options: QemuOptions = {}): Promise<QemuGuest> {
    const folder = await mkdtemp(join(tmpdir(), "vmmkit-qemu-"));
    const path = join(folder, "agent.sock");
    const server = createServer().listen(path);
    await once(server, "listening");
    const { command = ["qemu-system-i386"], parameters = [], ownMemory = false, overlays = [] } = options;
    const memory = ownMemory ? [] : ["-m", "128"];
    const { kernel, initrd, cmdline } = await ensureGuestImage();
    const files = ["-kernel", kernel, "-initrd", await joined([initrd, ...overlays], folder), "-append", cmdline];
    const all = [...command, ...memory, ...files, ...makeParameters(path, cards), ...parameters];
    const guest = new QemuGuest(name, folder, server, all);
    try {
      await guest.#ready;
      return guest;
    } catch (error) {
      await guest.destroy();
      throw error;
    }
  }

  /** Runs a script and answers what it wrote. @throws Error where it fails */
  async sh(script: string): Promise<string> {
    const { code, output } = await this.#run(script);
    if (code !== 0) throw new Error(`${this.name}: "${script}" ended with ${code}:\n${output}`);
    return output.trim();
  }

  /** The number of QEMU's process. */
  get pid(): number {
    return this.#process.pid ?? -1;
  }

  /** What QEMU and the guest's console said so far. */
  get said(): string {
    return this.#said;
  }

  /** Lets the guest reboot, and waits until it takes commands again. */
  async reboot(): Promise<void> {
    this.#ready = this.#whenReady();
    // The agent does not live to say how that went.
    this.#channel.start("reboot -f").result.catch(() => {});
    await this.#ready;
  }

  /** Ends QEMU. */
  async destroy(): Promise<void> {
    if (this.#process.exitCode === null && this.#process.signalCode === null && this.#process.pid !== undefined) {
      const ended = once(this.#process, "exit");
      this.#process.kill("SIGKILL");
      await ended;
    }
    this.#line?.destroy();
    this.#server.close();
    await rm(this.#folder, { recursive: true, force: true });
  }

  #whenReady(): Promise<void> {
    const ready = new Promise<void>((resolve, reject) => {
      this.#becomeReady = resolve;
      this.#becomeLost = reject;
    });
    // Whoever waits hears of it; where nobody does, QEMU ended as it was told to.
    ready.catch(() => {});
    return ready;
  }

  #lost(error: Error): void {
    this.#channel.fail(error);
    this.#becomeLost(error);
  }

  #run(script: string): Promise<CommandResult> {
    const { result } = this.#channel.start(script);
    const late = AbortSignal.timeout(COMMAND_TIMEOUT_MS);
    return new Promise((resolve, reject) => {
      late.addEventListener("abort", () => reject(new Error(`${this.name}: "${script}" takes too long`)));
      result.then(resolve, reject);
    });
  }
}

/** Archives as one file, which the kernel unpacks one after the other. @returns its path */
async function joined(archives: readonly string[], folder: string): Promise<string> {
  const [only = "", ...others] = archives;
  if (others.length === 0) return only;
  const path = join(folder, "initrd");
  for (const archive of archives) {
    const bytes = await readFile(archive);
    // Each begins at a multiple of four.
    await appendFile(path, bytes);
    await appendFile(path, new Uint8Array(-bytes.length & 3));
  }
  return path;
}

function makeParameters(agentPath: string, cards: readonly QemuCard[]): string[] {
  return [
    ...["-nodefaults", "-display", "none", "-accel", "tcg"],
    // The console, and the line to the agent.
    ...["-serial", "stdio", "-serial", `unix:${agentPath}`],
    ...cards.flatMap(({ mac, netdev }, i) => [
      ...["-netdev", withId(netdev, `n${i}`)],
      ...["-device", `virtio-net-pci,netdev=n${i},mac=${mac},romfile=`],
    ]),
  ];
}

/** "stream,server=on" with an id in it. */
function withId(netdev: string, id: string): string {
  const [kind, ...rest] = netdev.split(",");
  return [kind, `id=${id}`, ...rest].join(",");
}

/** Why QEMU cannot be run here; null where it can. */
export async function whyNoQemu(): Promise<string | null> {
  const { PATH = "" } = process.env;
  for (const folder of PATH.split(":")) {
    try {
      await access(join(folder, "qemu-system-i386"), constants.X_OK);
      return null;
    } catch {
      // It may be in the next one.
    }
  }
  return "qemu-system-i386 is not installed";
}
