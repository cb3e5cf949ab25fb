import { addressOf, type Bytes } from "./addresses.ts";
import { Fd } from "./fd.ts";
import { IoVector } from "./io-vector.ts";
import { errno, libc } from "./libc.ts";
import { decodeAddress, SOCKADDR_BYTES, type SocketAddress } from "./sockaddr.ts";

const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;
const MSG_CMSG_CLOEXEC = 0x4000_0000;
const MSG_TRUNC = 0x20;
const MSG_CTRUNC = 0x8;
const SOL_SOCKET = 1;
const SCM_RIGHTS = 1;

/** The kernel passes no more descriptors with one message (`SCM_MAX_FD`). */
export const MAX_PASSED_FDS = 253;

/** `struct cmsghdr`: 64 bits of length, level, type. */
const CMSG_HEADER_BYTES = 16;
const CONTROL_BYTES = CMSG_HEADER_BYTES + 8 * Math.ceil((4 * MAX_PASSED_FDS) / 8);

/*
 * struct msghdr on 64-bit Linux, x64 and arm64 alike, in 32-bit words: 0 name, 2 its length, 4 vector, 6 how many,
 * 8 control, 10 its length, 12 flags.
 */
const MSGHDR_BYTES = 56;
const NAME_LENGTH = 2;
const CONTROL = 8;
const CONTROL_LENGTH = 10;
const FLAGS = 12;

/**
 * A message to a socket or from one (C: `struct msghdr`): bytes in any number of ranges, an address, descriptors
 * passed along. It is made once and used again and again; nothing is allocated for a message but the `Fd`s that came
 * with it. Results are those of the kernel: bytes, or minus the number of an error.
 */
export class Message {
  /** What to send from, or to receive into. */
  readonly vector: IoVector;
  /** After `receive`: the message was longer than the vector, and its end is lost. */
  truncated = false;
  /** After `receive`: more descriptors came than there can be here; they are closed. */
  descriptorsLost = false;
  readonly #header: Uint32Array = new Uint32Array(new ArrayBuffer(MSGHDR_BYTES));
  readonly #headerAddress: number = addressOf(this.#header);
  readonly #name: Uint8Array = new Uint8Array(new ArrayBuffer(SOCKADDR_BYTES));
  readonly #control: Int32Array<ArrayBuffer> = new Int32Array(new ArrayBuffer(CONTROL_BYTES));
  #nameBytes = 0;
  #received: Fd[] = [];

  /** @param vector default: a new one */
  constructor(vector: IoVector = new IoVector()) {
    this.vector = vector;
    this.#setAddress(0, addressOf(this.#name));
    this.#setAddress(4, vector.address);
  }

  /** Where the next messages are sent; null for where the socket is connected to. From `encodeAddress`. */
  setTarget(address: Uint8Array | null): void {
    this.#nameBytes = address?.length ?? 0;
    if (address !== null) this.#name.set(address);
  }

  /**
   * Sends what the vector has.
   * @param fds descriptors to pass along. They stay the caller's, who may close them afterwards
   * @returns bytes sent, or minus the number of the error. A stream socket may take fewer bytes than there are; the
   * descriptors are passed with the first of them
   */
  send(socket: number, fds: readonly Fd[] = NO_FDS): number {
    this.#prepare(this.#nameBytes, this.#putDescriptors(fds));
    const result = libc().sendmsg(socket, this.#headerAddress, MSG_DONTWAIT | MSG_NOSIGNAL);
    return result < 0 ? -errno() : result;
  }

  /**
   * Receives into the vector. Descriptors that came along are had with `takeDescriptors`.
   * @param unix whether it is a UNIX socket, which may bring descriptors. Others refuse to be asked for them
   * @returns bytes received, 0 at the end of a stream, or minus the number of the error
   */
  receive(socket: number, unix = true): number {
    this.closeDescriptors();
    this.#prepare(SOCKADDR_BYTES, CONTROL_BYTES);
    const result = libc().recvmsg(socket, this.#headerAddress, unix ? MSG_DONTWAIT | MSG_CMSG_CLOEXEC : MSG_DONTWAIT);
    if (result < 0) return -errno();
    const flags = this.#header[FLAGS] ?? 0;
    this.truncated = (flags & MSG_TRUNC) !== 0;
    this.descriptorsLost = (flags & MSG_CTRUNC) !== 0;
    if ((this.#header[CONTROL_LENGTH] ?? 0) > 0) this.#takeRights();
    return result;
  }

  /** Who sent the message that was received last; null where that is not said. */
  source(): SocketAddress | null {
    return decodeAddress(this.#name.subarray(0, this.#header[NAME_LENGTH] ?? 0));
  }

  /**
   * What the kernel says beside the message received last: packet sockets tell VLAN tags and times so.
   * @returns a copy, or null where there is nothing of that kind
   */
  control(level: number, type: number): Uint8Array | null {
    const control = this.#control;
    const end = this.#header[CONTROL_LENGTH] ?? 0;
    for (let at = 0; at + CMSG_HEADER_BYTES <= end; ) {
      const word = at / 4;
      const bytes = control[word] ?? 0;
      if (bytes < CMSG_HEADER_BYTES) return null;
      if (control[word + 2] === level && control[word + 3] === type) {
        return new Uint8Array(control.buffer, at + CMSG_HEADER_BYTES, bytes - CMSG_HEADER_BYTES).slice();
      }
      at += 8 * Math.ceil(bytes / 8);
    }
    return null;
  }

  /** The descriptors that came with the message received last, now the caller's. The next `receive` closes them otherwise. */
  takeDescriptors(): Fd[] {
    const taken = this.#received;
    if (taken.length > 0) this.#received = [];
    return taken;
  }

  /** Closes descriptors that came and were not taken. */
  closeDescriptors(): void {
    if (this.#received.length === 0) return;
    for (const fd of this.#received.splice(0)) fd.close();
  }

  #prepare(nameBytes: number, controlBytes: number): void {
    const header = this.#header;
    header[NAME_LENGTH] = nameBytes;
    if (nameBytes === 0) this.#setAddress(0, 0);
    else this.#setAddress(0, addressOf(this.#name));
    header[6] = this.vector.count;
    this.#setAddress(CONTROL, controlBytes === 0 ? 0 : addressOf(this.#control));
    header[CONTROL_LENGTH] = controlBytes;
    header[FLAGS] = 0;
  }

  /** Writes the descriptors as a control message. Answers its length. */
  #putDescriptors(fds: readonly Fd[]): number {
    if (fds.length === 0) return 0;
    if (fds.length > MAX_PASSED_FDS) {
      throw new RangeError(`"fds" expected at most ${MAX_PASSED_FDS} descriptors, got ${fds.length}`);
    }
    const control = this.#control;
    control[0] = CMSG_HEADER_BYTES + 4 * fds.length;
    control[1] = 0;
    control[2] = SOL_SOCKET;
    control[3] = SCM_RIGHTS;
    for (const [i, fd] of fds.entries()) control[4 + i] = fd.number;
    return CMSG_HEADER_BYTES + 8 * Math.ceil((4 * fds.length) / 8);
  }

  #takeRights(): void {
    const rights = this.control(SOL_SOCKET, SCM_RIGHTS);
    if (rights === null) return;
    for (const number of new Int32Array(rights.buffer, 0, rights.length / 4)) this.#received.push(new Fd(number));
  }

  #setAddress(word: number, address: number): void {
    this.#header[word] = address;
    this.#header[word + 1] = address / 0x1_0000_0000;
  }
}

const NO_FDS: readonly Fd[] = [];

/** Sends bytes and descriptors over a connected UNIX socket: the usual case of `Message`, one at a time. */
export function sendWithDescriptors(socket: Fd, bytes: Bytes, fds: readonly Fd[]): number {
  const message = new Message(new IoVector(1));
  message.vector.pushAddress(addressOf(bytes), bytes.byteLength);
  return message.send(socket.number, fds);
}
