import { type Fd, MessageStream, type Poller, type Socket } from "@vmmkit/posix";
import { RequestError } from "./errors.ts";
import { u64 } from "./payload.ts";
import type { Requests } from "./requests.ts";
import * as spec from "./spec.ts";
import { Request } from "./spec.ts";

/** Longest payload of any request here: a configuration. */
const MAX_BODY_BYTES = 1024;

/** What a session tells its back-end. */
export interface SessionListener {
  /** A request was carried out; `failed` where it was not. */
  onRequest(failed: boolean): void;
  /** A line for people. */
  log(line: string): void;
  /** It is over, for this reason. */
  onEnd(reason: string): void;
}

/** One front-end, from its connection to its end. */
export class Session {
  readonly #requests: Requests;
  readonly #listener: SessionListener;
  readonly #stream: MessageStream;

  constructor(socket: Socket, poller: Poller, requests: Requests, listener: SessionListener) {
    this.#requests = requests;
    this.#listener = listener;
    this.#stream = new MessageStream(socket, poller, {
      headerBytes: spec.HEADER_BYTES,
      maxBodyBytes: MAX_BODY_BYTES,
      maxDescriptors: spec.MAX_TABLE_REGIONS,
      bodyBytes: (header) => header.getUint32(8, true),
      onMessage: (header, body, fds) => this.#onMessage(header, body, fds),
      onEnd: (reason) => this.#end(reason),
    });
  }

  /** Ends it: the front-end finds its connection closed. */
  close(): void {
    this.#stream.close();
    this.#requests.close();
  }

  #end(reason: string): void {
    this.#requests.close();
    this.#listener.onEnd(reason);
  }

  #onMessage(header: DataView, body: DataView, fds: Fd[]): void {
    try {
      const flags = header.getUint32(4, true);
      if ((flags & spec.VERSION_MASK) !== spec.VERSION || (flags & spec.FLAG_REPLY) !== 0) {
        this.#abandon("a message that is no request");
      } else this.#onRequest(header.getUint32(0, true), flags, body, fds);
    } finally {
      for (const fd of fds) fd.close();
    }
  }

  #onRequest(request: number, flags: number, body: DataView, fds: Fd[]): void {
    const acknowledged =
      (flags & spec.FLAG_NEED_REPLY) !== 0 && this.#requests.hasProtocolFeature(spec.PROTOCOL_F_REPLY_ACK);
    try {
      const answer = this.#requests.handle(request, body, fds);
      this.#listener.onRequest(false);
      if (answer !== null) this.#reply(request, answer, this.#requests.answerFds(request));
      else if (acknowledged || request === Request.SetLogBase) this.#reply(request, u64(0));
    } catch (error) {
      this.#listener.onRequest(true);
      if (!(error instanceof RequestError)) throw error;
      this.#listener.log(`request ${request}: ${error.message}`);
      // Without an acknowledgement, the end of the connection is the only way to say no.
      if (acknowledged) this.#reply(request, u64(1));
      else this.#abandon(`request ${request} could not be carried out`);
    }
  }

  #reply(request: number, payload: Uint8Array, fds: readonly Fd[] = []): void {
    const bytes = new Uint8Array(spec.HEADER_BYTES + payload.length);
    const view = new DataView(bytes.buffer);
    view.setUint32(0, request, true);
    view.setUint32(4, spec.VERSION | spec.FLAG_REPLY, true);
    view.setUint32(8, payload.length, true);
    bytes.set(payload, spec.HEADER_BYTES);
    this.#stream.send(bytes, fds);
  }

  #abandon(reason: string): void {
    this.#stream.close();
    this.#end(reason);
  }
}
