import { type Fd, sendWithDescriptors } from "@vmmkit/posix";
import { words } from "./payload.ts";
import { BACKEND_CONFIG_CHANGE_MSG, VERSION } from "./spec.ts";

/** The back-end's own line to the front-end. What it says there wants no answer. */
export class BackendChannel {
  #fd: Fd | null = null;

  /** SET_BACKEND_REQ_FD. */
  open(fd: Fd): void {
    this.close();
    this.#fd = fd;
  }

  /** The configuration has changed. A front-end that does not listen misses it. */
  configChanged(): void {
    if (this.#fd !== null) sendWithDescriptors(this.#fd, words(BACKEND_CONFIG_CHANGE_MSG, VERSION, 0), []);
  }

  close(): void {
    this.#fd?.close();
    this.#fd = null;
  }
}
