import { Errno, Fd, ioctl, OpenFlag, openFile, PosixError, posixError } from "@vmmkit/posix";
import { InterfaceRequest, REQUEST_DATA } from "./ifreq.ts";
import { agreeOnOffloads } from "./offloads.ts";
import type { CheckedOptions } from "./options.ts";
import {
  IFF_ATTACH_QUEUE,
  IFF_DETACH_QUEUE,
  IFF_MULTI_QUEUE,
  IFF_NO_PI,
  IFF_TAP,
  IFF_VNET_HDR,
  TUN_DEVICE,
  TUNGETDEVNETNS,
  TUNGETIFF,
  TUNGETVNETHDRSZ,
  TUNSETIFF,
  TUNSETOFFLOAD,
  TUNSETPERSIST,
  TUNSETQUEUE,
  TUNSETSNDBUF,
  TUNSETVNETHDRSZ,
  TUNSETVNETLE,
} from "./tun-spec.ts";

/** Where `struct ifreq` has the flags of `TUNSETIFF`. */
const FLAGS = REQUEST_DATA;

/** A TAP interface: one descriptor for each queue, that a frame is read from, or written to, with each call. */
export class TapDevice {
  /** Non-blocking. They stay the same when the interface goes and comes back. The first is always attached. */
  readonly fds: readonly Fd[];
  /** The interface's name when it was last seen. */
  name: string;
  /** Bytes of the header before each frame: 0, 10 or 12. */
  readonly headerBytes: number;
  /** What the kernel can give us unfinished: bits of `Offload`. */
  agreedOffloads = 0;
  /** What it gives us unfinished now. */
  rxOffloads = 0;
  readonly #options: CheckedOptions;
  readonly #flags: number;
  /** How many queues are attached, from the first on. */
  #attached = 1;

  /**
   * Opens an interface, or takes over descriptors of one.
   * @throws PosixError with a hint; TypeError for a descriptor that is no TAP interface's
   */
  constructor(options: CheckedOptions) {
    this.#options = options;
    const given = options.fds.length > 0;
    const fds = given ? options.fds : openDevices(options.queues);
    this.fds = fds;
    try {
      const flags = given ? this.#takeOver() : this.#open();
      this.#flags = flags.flags;
      this.name = flags.name;
      for (const fd of fds.slice(1)) this.#openMore(fd);
      this.headerBytes = (this.#flags & IFF_VNET_HDR) === 0 ? 0 : this.#header();
      this.#configure();
      this.attachQueues(1);
    } catch (error) {
      // Descriptors that were handed in stay their owner's, where they were of no use.
      if (!given) this.close();
      throw error;
    }
  }

  /** The descriptor of the first queue, through which the interface is asked and told. */
  get fd(): Fd {
    const [first] = this.fds;
    if (first === undefined) throw new RangeError("a TAP interface has at least one queue");
    return first;
  }

  /** Closes all queues. */
  close(): void {
    for (const fd of this.fds) fd.close();
  }

  /** The interface's name now, or null where the interface is gone. */
  currentName(): string | null {
    const request = new InterfaceRequest("");
    if (this.fd.closed || ioctl(this.fd.number, TUNGETIFF, request.bytes) < 0) return null;
    this.name = request.name;
    return this.name;
  }

  /** The network namespace that the interface is in; null where the kernel does not say. */
  namespace(): Fd | null {
    const number = ioctl(this.fd.number, TUNGETDEVNETNS);
    return number < 0 ? null : new Fd(number);
  }

  /** Attaches again, after the interface was deleted and made anew. False where the kernel refuses. */
  attachAgain(): boolean {
    for (const fd of this.fds) if (fd.closed || this.#setInterface(fd, this.name, this.#flags) < 0) return false;
    if (this.headerBytes > 0) this.#setHeader();
    const offloads = this.rxOffloads;
    this.#configure();
    this.setRxOffloads(offloads);
    this.attachQueues(this.#attached);
    return true;
  }

  /**
   * Says how many queues the kernel is to spread frames over. What waits in one that is detached is lost.
   * @param count from the first on, 1 or more; more than there are is all
   */
  attachQueues(count: number): void {
    this.#attached = count;
    const request = new InterfaceRequest("");
    for (const [i, fd] of this.fds.entries()) {
      if (i === 0) continue;
      // The kernel refuses what is so already, which is as good.
      request.view.setUint16(FLAGS, i < count ? IFF_ATTACH_QUEUE : IFF_DETACH_QUEUE, true);
      ioctl(fd.number, TUNSETQUEUE, request.bytes);
    }
  }

  /**
   * Says what may come unfinished.
   * @param offloads bits of `Offload`
   * @returns what the kernel agreed to
   */
  setRxOffloads(offloads: number): number {
    const set = (bits: number): boolean => ioctl(this.fd.number, TUNSETOFFLOAD, bits) >= 0;
    this.rxOffloads = this.headerBytes === 0 ? 0 : agreeOnOffloads(offloads, set);
    return this.rxOffloads;
  }

  #open(): { flags: number; name: string } {
    const { name, multiQueue, vnetHeader } = this.#options;
    const wish = (multiQueue ? IFF_MULTI_QUEUE : 0) | (vnetHeader > 0 ? IFF_VNET_HDR : 0);
    const flags = IFF_TAP | IFF_NO_PI | wish;
    const request = new InterfaceRequest(name);
    const result = this.#setInterface(this.fd, name, flags, request);
    if (result < 0) throw posixError(result, "TUNSETIFF", name, openHint(-result, name));
    return { flags, name: request.name };
  }

  /** Makes a descriptor a further queue of the interface, where it is none yet. */
  #openMore(fd: Fd): void {
    const request = new InterfaceRequest("");
    if (ioctl(fd.number, TUNGETIFF, request.bytes) >= 0) {
      if (request.name !== this.name) {
        throw new TypeError(`"fd" expected queues of one interface, got ${this.name} and ${request.name}`);
      }
      fd.setNonBlocking(true);
      return;
    }
    const result = this.#setInterface(fd, this.name, this.#flags);
    if (result < 0) throw posixError(result, "TUNSETIFF", this.name, openHint(-result, this.name));
  }

  #setInterface(fd: Fd, name: string, flags: number, request: InterfaceRequest = new InterfaceRequest(name)): number {
    request.view.setUint16(FLAGS, flags, true);
    return ioctl(fd.number, TUNSETIFF, request.bytes);
  }

  #takeOver(): { flags: number; name: string } {
    const request = new InterfaceRequest("");
    const result = ioctl(this.fd.number, TUNGETIFF, request.bytes);
    const flags = result < 0 ? 0 : request.view.getUint16(FLAGS, true);
    if ((flags & IFF_TAP) === 0) throw new TypeError('"fd" expected the descriptor of a TAP interface');
    this.fd.setNonBlocking(true);
    // The kernel does not tell whether it was opened with IFF_NO_PI: in its answer that bit means something else.
    return { flags: IFF_TAP | IFF_NO_PI | (flags & (IFF_VNET_HDR | IFF_MULTI_QUEUE)), name: request.name };
  }

  /** Bytes of the header: as asked for, or as a descriptor that was handed in has it. */
  #header(): number {
    if (this.#options.fds.length === 0) return this.#setHeader(this.#options.vnetHeader);
    const size = new Int32Array(1);
    this.#call(TUNGETVNETHDRSZ, "TUNGETVNETHDRSZ", size);
    const bytes = size[0] ?? 0;
    return bytes === 10 || bytes === 12 ? bytes : this.#setHeader(10);
  }

  #setHeader(bytes: number = this.headerBytes): number {
    this.#call(TUNSETVNETHDRSZ, "TUNSETVNETHDRSZ", Int32Array.of(bytes));
    // Fields are little-endian, as VIRTIO has them, and not as the host likes. Old kernels know no other.
    ioctl(this.fd.number, TUNSETVNETLE, Int32Array.of(1));
    return bytes;
  }

  #configure(): void {
    const { sendBufferBytes, persistent, offloads } = this.#options;
    if (sendBufferBytes !== undefined) this.#call(TUNSETSNDBUF, "TUNSETSNDBUF", Int32Array.of(sendBufferBytes));
    if (persistent !== undefined) this.#call(TUNSETPERSIST, "TUNSETPERSIST", persistent ? 1 : 0);
    // What the kernel could give, which is found out by asking. It gives nothing until a guest is there to take it.
    this.agreedOffloads = this.setRxOffloads(offloads);
    this.setRxOffloads(0);
  }

  #call(request: number, syscall: string, argument: number | Int32Array): void {
    const result = ioctl(this.fd.number, request, argument);
    if (result < 0) throw posixError(result, syscall, this.name);
  }
}

function openDevices(count: number): Fd[] {
  const fds: Fd[] = [];
  try {
    while (fds.length < count) fds.push(openFile(TUN_DEVICE, OpenFlag.ReadWrite | OpenFlag.NonBlock));
    return fds;
  } catch (error) {
    for (const fd of fds) fd.close();
    throw error;
  }
}

/** What to do when the interface cannot be opened. */
function openHint(errno: number, name: string): string | undefined {
  const own = name.includes("%d") ? name.replace("%d", "0") : name;
  switch (errno) {
    case Errno.EPERM:
      return `run as root, or let root create the interface for you: ip tuntap add dev ${own} mode tap user <you>`;
    case Errno.EBUSY:
      return "another process has it, or it was made without multi_queue (or with it)";
    case Errno.EINVAL:
      return "there is an interface of that name that is no TAP interface, or was made with other flags";
    default:
      return undefined;
  }
}

/** Adds what to do to an error of opening `/dev/net/tun`. */
export function explainOpening(error: unknown, name: string): unknown {
  if (!(error instanceof PosixError) || error.syscall !== "open") return error;
  const own = name.includes("%d") ? name.replace("%d", "0") : name;
  const hint =
    error.code === "ENOENT" || error.code === "ENODEV" || error.code === "ENXIO"
      ? "this kernel or container has no TUN/TAP: modprobe tun, or pass the device into the container"
      : `run as root, or have the device readable and the interface made for you: ip tuntap add dev ${own} mode tap user <you>`;
  return posixError(error.errno, "open", TUN_DEVICE, hint);
}
