import type { V86 } from "v86";
import { BootWatch } from "./boot-watch.ts";
import { CommandChannel, type CommandResult, type GuestJob } from "./command-channel.ts";
import { ConsoleText, consoleTail } from "./console-text.ts";
import { type Deferred, deferred } from "./deferred.ts";
import { GuestOptionError, GuestStoppedError, GuestTimeoutError } from "./errors.ts";
import {
  type Attachment,
  type BootProgress,
  DEFAULT_RUN_TIMEOUT_MS,
  type Guest,
  type RunCommandOptions,
} from "./guest.ts";
import { readBzImage } from "./image/bzimage.ts";
import type { GuestImage } from "./image/guest-image.ts";
import { SHELL_WORD } from "./image/init-scripts.ts";
import { createEmulator, type Emulator, readEmulatorFiles } from "./v86-emulator.ts";
import { withTimeout } from "./with-timeout.ts";

/** Options of a guest wherever it runs. All of them can be cloned. */
export interface GuestOptions {
  /** What it boots from. */
  readonly image: GuestImage;
  /** Paths of further cpio archives that are unpacked over the image's initramfs, in this order. Default none. */
  readonly overlays?: readonly string[];
  /** RAM. Default 128 MiB; at least 80 MiB, as the initramfs starts at 64 MiB. */
  readonly memoryBytes?: number;
  /** Words behind the image's own command line. */
  readonly cmdlineExtra?: string;
  /** Starts a shell on the console. Default false. */
  readonly shell?: boolean;
  /** How long the boot may take. Default 180,000. */
  readonly bootTimeoutMs?: number;
  /** Gives the guest v86's own network card too. Default: none. */
  readonly netDevice?: "virtio" | "ne2k";
}

/** What a guest tells its owner unasked. */
export interface GuestListeners {
  /** Gets what the guest writes to its console, in pieces. */
  readonly onConsole?: (text: string) => void;
  /** Told about ten times a second where the boot is, until it is ready. */
  readonly onProgress?: (progress: BootProgress) => void;
}

/** Options of a guest in this thread. */
export interface LinuxGuestOptions extends GuestOptions, GuestListeners {
  /** Puts devices into the emulator when it is loaded and before it runs. */
  readonly attach?: (emulator: V86) => Attachment | Promise<Attachment>;
  /**
   * `attach` restores a guest that was saved when it took commands: it does not boot, and takes them as soon as it runs.
   * What commands that ran then answer is lost. Default false.
   */
  readonly restored?: boolean;
}

const DEFAULT_MEMORY_BYTES = 128 << 20;
const MIN_MEMORY_BYTES = 80 << 20;
/** How long a reboot may take until the machine is reset. */
const RESET_TIMEOUT_MS = 60_000;
const DEFAULT_BOOT_TIMEOUT_MS = 180_000;
const PROGRESS_MS = 100;

/** Debian's kernel and busybox on a v86 in this thread. It boots at once; `ready()` says when it is up. */
export class LinuxGuest implements Guest {
  readonly #options: LinuxGuestOptions;
  readonly #console: ConsoleText;
  readonly #channel: CommandChannel;
  /** Comes when the emulator runs, or will never. */
  readonly #started: Promise<void>;
  #emulator: Emulator | null = null;
  #attachment: Attachment | null = null;
  #unpacked = false;
  #watch: BootWatch | null = null;
  #ready: Deferred<string> = deferred();
  #reset: Deferred<void> = deferred();
  #timer: NodeJS.Timeout | null = null;
  #destroyed: Promise<void> | null = null;

  /** @throws GuestOptionError for an impossible amount of memory */
  constructor(options: LinuxGuestOptions) {
    const memoryBytes = options.memoryBytes ?? DEFAULT_MEMORY_BYTES;
    if (!Number.isInteger(memoryBytes) || memoryBytes < MIN_MEMORY_BYTES) {
      throw new GuestOptionError(`"memoryBytes" expected a whole number from ${MIN_MEMORY_BYTES}, got ${memoryBytes}`);
    }
    this.#options = options;
    this.#console = new ConsoleText((text) => this.#onConsole(text));
    this.#channel = new CommandChannel(
      (bytes) => this.#emulator?.v86.serial_send_bytes(1, bytes),
      (release) => this.#onReady(release),
    );
    this.#started = this.#start(memoryBytes).catch((error) => this.#fail(error));
  }

  get consoleText(): string {
    return this.#console.text;
  }

  get progress(): BootProgress {
    const instructions = this.#emulator?.instructions ?? 0;
    return this.#watch?.progress(instructions) ?? { phase: "firmware", fraction: 0 };
  }

  ready(): Promise<string> {
    return this.#ready.promise;
  }

  async run(command: string, { timeoutMs = DEFAULT_RUN_TIMEOUT_MS }: RunCommandOptions = {}): Promise<CommandResult> {
    await this.ready();
    return withTimeout(this.start(command), command, timeoutMs);
  }

  start(command: string): GuestJob {
    if (this.progress.phase !== "ready") throw new GuestStoppedError("the guest is not ready for commands");
    return this.#channel.start(command);
  }

  sendText(text: string): void {
    this.#emulator?.v86.serial_send_bytes(0, Buffer.from(text));
  }

  async reboot(): Promise<string> {
    await this.ready();
    const reset = this.#reset.promise;
    const job = this.#channel.start("reboot -f");
    await Promise.race([reset, withTimeout(job, "reboot -f", RESET_TIMEOUT_MS).catch(() => reset)]);
    return this.ready();
  }

  async ask(request: unknown): Promise<unknown> {
    await this.#started;
    if (this.#attachment?.ask === undefined) throw new GuestStoppedError("nothing is attached that answers questions");
    return this.#attachment.ask(request);
  }

  destroy(): Promise<void> {
    this.#destroyed ??= this.#end();
    return this.#destroyed;
  }

  async #start(memoryBytes: number): Promise<void> {
    const { image, overlays = [], cmdlineExtra = "", shell = false, netDevice, attach } = this.#options;
    const files = await readEmulatorFiles(image, overlays);
    this.#unpacked = readBzImage(files.kernel)?.unpacked ?? false;
    const cmdline = [image.cmdline, cmdlineExtra, shell ? SHELL_WORD : ""].filter(Boolean).join(" ");
    const emulator = await createEmulator({ ...files, cmdline, memoryBytes, ...(netDevice && { netDevice }) });
    this.#emulator = emulator;
    emulator.v86.add_listener("serial0-output-byte", (byte) => this.#console.add(byte));
    emulator.v86.add_listener("serial1-output-byte", (byte) => this.#channel.receive(byte));
    emulator.onReset(() => this.#onReset());
    this.#attachment = (await attach?.(emulator.v86)) ?? null;
    if (this.#destroyed !== null) return;
    this.#beginBoot(emulator);
    await emulator.v86.run();
    if (this.#options.restored === true) this.#greet();
  }

  /** The agent of a guest that was restored has said long ago that it is ready. */
  #greet(): void {
    const { result } = this.#channel.start("uname -r");
    // Where it does not answer, `ready` is rejected when the boot's time is over.
    result.then(({ output }) => this.#onReady(output.trim())).catch(() => {});
  }

  #beginBoot(emulator: Emulator): void {
    // A kernel that unpacks itself spends most of its boot in a loop, which is worth compiling.
    emulator.setJit(!this.#unpacked);
    this.#watch = new BootWatch(this.#unpacked, emulator.instructions);
    const bootTimeoutMs = this.#options.bootTimeoutMs ?? DEFAULT_BOOT_TIMEOUT_MS;
    const deadline = performance.now() + bootTimeoutMs;
    clearInterval(this.#timer ?? undefined);
    this.#timer = setInterval(() => {
      if (this.#watch?.isLate(emulator.instructions)) emulator.setJit(true);
      this.#options.onProgress?.(this.progress);
      if (performance.now() > deadline) this.#fail(this.#bootTimeout(bootTimeoutMs));
    }, PROGRESS_MS);
  }

  #bootTimeout(timeoutMs: number): Error {
    const tail = consoleTail(this.#console.text);
    return new GuestTimeoutError(`the guest did not get ready in ${timeoutMs} ms; its console ends with:\n${tail}`);
  }

  #onConsole(text: string): void {
    this.#watch?.console(text);
    this.#options.onConsole?.(text);
  }

  #onReady(release: string): void {
    this.#stopTimer();
    this.#emulator?.setJit(true);
    this.#watch?.ready();
    this.#options.onProgress?.(this.progress);
    this.#ready.resolve(release);
  }

  /** Somebody reset the machine: the guest itself, a panic, `reboot()`. */
  #onReset(): void {
    if (this.#emulator === null || this.#destroyed !== null) return;
    this.#channel.fail(new GuestStoppedError("the guest was rebooted"));
    if (this.progress.phase === "ready") this.#ready = deferred();
    this.#beginBoot(this.#emulator);
    const reset = this.#reset;
    this.#reset = deferred();
    reset.resolve();
  }

  #fail(error: Error): void {
    this.#stopTimer();
    this.#ready.reject(error);
    this.#reset.reject(error);
    this.#channel.fail(error);
  }

  #stopTimer(): void {
    clearInterval(this.#timer ?? undefined);
    this.#timer = null;
  }

  async #end(): Promise<void> {
    await this.#started;
    this.#ready = deferred();
    this.#fail(new GuestStoppedError("the guest was destroyed"));
    await this.#emulator?.v86.destroy();
    await this.#attachment?.close?.();
  }
}
