import { type Fd, MessageStream, type Poller, type Socket } from "@vmmkit/posix";
import { CommandError } from "./errors.ts";
import { Limits } from "./limits.ts";
import type { ServedFunction } from "./served-function.ts";
import * as spec from "./spec.ts";
import { Command } from "./spec.ts";
import { negotiate } from "./version.ts";

const NOTHING: Uint8Array = new Uint8Array(0);

/** What a session tells its server. */
export interface SessionListener {
  /** A command was answered; `failed` where with an error. */
  onCommand(failed: boolean): void;
  /** A line for people. */
  log(line: string): void;
  /** It is over, for this reason. */
  onEnd(reason: string): void;
}

/** One client, from its connection to its end. */
export class Session {
  readonly #served: ServedFunction;
  readonly #listener: SessionListener;
  readonly #stream: MessageStream;
  #negotiated = false;
  #warned = false;

  constructor(socket: Socket, poller: Poller, served: ServedFunction, listener: SessionListener) {
    this.#served = served;
    this.#listener = listener;
    this.#stream = new MessageStream(socket, poller, {
      headerBytes: spec.HEADER_BYTES,
      maxBodyBytes: Limits.bodyBytes,
      maxDescriptors: Limits.descriptors,
      bodyBytes: (header) => header.getUint32(4, true) - spec.HEADER_BYTES,
      onMessage: (header, body, fds) => this.#onMessage(header, body, fds),
      onIdle: () => served.deferred.run(),
      onEnd: (reason) => this.#end(reason),
    });
  }

  /** Ends it: the client finds its connection closed. */
  close(): void {
    this.#stream.close();
    this.#served.release();
  }

  #end(reason: string): void {
    this.#served.release();
    this.#listener.onEnd(reason);
  }

  #onMessage(header: DataView, body: DataView, fds: Fd[]): void {
    try {
      if ((header.getUint32(8, true) & spec.TYPE_MASK) !== spec.TYPE_COMMAND) {
        // Nothing was asked of the client, so there is nothing that it could answer.
        this.#abandon("a message that is no command");
        return;
      }
      this.#onCommand(header, body, fds);
    } finally {
      for (const fd of fds) fd.close();
    }
  }

  #onCommand(header: DataView, body: DataView, fds: Fd[]): void {
    const command = header.getUint16(2, true);
    let answer: Uint8Array = NOTHING;
    let errno = 0;
    try {
      answer = this.#answer(command, body, fds);
    } catch (error) {
      errno = error instanceof CommandError ? error.errno : spec.EINVAL;
      // A device or backend that throws is the embedder's to hear of; the client waits for an answer all the same.
      if (!(error instanceof CommandError)) throw error;
      this.#listener.log(`command ${command}: ${error.message}`);
    } finally {
      this.#listener.onCommand(errno !== 0);
      if ((header.getUint32(8, true) & spec.FLAG_NO_REPLY) === 0) this.#reply(header, errno, answer);
    }
    if (!this.#negotiated) this.#abandon("no version to speak");
  }

  /** Carries a command out. Answers what goes behind the reply's header. */
  #answer(command: number, body: DataView, fds: Fd[]): Uint8Array {
    if (!this.#negotiated) return this.#negotiate(command, body);
    const { regions, interrupts, dma } = this.#served;
    switch (command) {
      case Command.DmaMap:
        dma.map(body, oneOrNone(fds));
        return NOTHING;
      case Command.DmaUnmap:
        dma.unmap(body);
        return new Uint8Array(body.buffer, body.byteOffset, 24);
      case Command.DeviceGetInfo:
        return deviceInfo();
      case Command.DeviceGetRegionInfo:
        return regions.info(body);
      case Command.DeviceGetIrqInfo:
        return interrupts.info(body);
      case Command.DeviceSetIrqs:
        interrupts.set(body, fds);
        return NOTHING;
      case Command.RegionRead:
        return regions.read(body);
      case Command.RegionWrite:
        this.#checkMemory();
        return regions.write(body);
      case Command.DeviceReset:
        this.#served.reset();
        return NOTHING;
      default:
        throw new CommandError(spec.EOPNOTSUPP, "not known here");
    }
  }

  #negotiate(command: number, body: DataView): Uint8Array {
    if (command !== Command.Version) throw new CommandError(spec.EINVAL, "the version is to be agreed on first");
    const answer = negotiate(body);
    this.#negotiated = true;
    return answer;
  }

  #reply(header: DataView, errno: number, payload: Uint8Array): void {
    const bytes = new Uint8Array(spec.HEADER_BYTES + payload.length);
    const view = new DataView(bytes.buffer);
    view.setUint16(0, header.getUint16(0, true), true);
    view.setUint16(2, header.getUint16(2, true), true);
    view.setUint32(4, bytes.length, true);
    view.setUint32(8, errno === 0 ? spec.TYPE_REPLY : spec.TYPE_REPLY | spec.FLAG_ERROR, true);
    view.setUint32(12, errno, true);
    bytes.set(payload, spec.HEADER_BYTES);
    this.#stream.send(bytes);
  }

  /** A driver that starts on memory which is not shared would find a card that does nothing, and no reason. */
  #checkMemory(): void {
    const { dma, memory } = this.#served;
    if (this.#warned || dma.size === 0 || memory.regions.length > 0) return;
    this.#warned = true;
    this.#listener.log("the client shares no memory: QEMU does with -object memory-backend-memfd,share=on");
  }

  #abandon(reason: string): void {
    this.#stream.close();
    this.#end(reason);
  }
}

function deviceInfo(): Uint8Array {
  const info = Uint32Array.of(16, spec.DEVICE_PCI | spec.DEVICE_RESET, spec.REGION_COUNT, spec.IRQ_COUNT);
  return new Uint8Array(info.buffer);
}

function oneOrNone(fds: readonly Fd[]): Fd | null {
  if (fds.length > 1) throw new CommandError(spec.EINVAL, `${fds.length} descriptors for one mapping`);
  return fds[0] ?? null;
}
