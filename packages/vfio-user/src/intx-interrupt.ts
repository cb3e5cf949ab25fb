import { EventFd, type Fd, type Poller, Ready } from "@vmmkit/posix";

/**
 * The interrupt pin, as VFIO has it: a rising level signals the client once and masks itself. The client unmasks when
 * its guest has dealt with it, and is signalled again where the level is still high.
 */
export class IntxInterrupt {
  readonly #poller: Poller;
  #level = false;
  #masked = false;
  #trigger: EventFd | null = null;
  #unmask: EventFd | null = null;

  constructor(poller: Poller) {
    this.#poller = poller;
  }

  /** The device sets its pin. */
  setLevel(level: boolean): void {
    this.#level = level;
    this.#drive();
  }

  /** Where to signal from now on; null for nowhere. It is unmasked with that. */
  setTrigger(fd: Fd | null): void {
    this.#trigger?.close();
    this.#trigger = fd === null ? null : new EventFd(fd);
    this.#masked = false;
    this.#drive();
  }

  /** A descriptor through which the client, or KVM for it, unmasks; null for none. */
  setUnmask(fd: Fd | null): void {
    this.#unmask?.close();
    this.#unmask = null;
    if (fd === null) return;
    const bell = new EventFd(fd);
    this.#unmask = bell;
    this.#poller
      .watch(fd, Ready.Read, () => {
        if (bell.take() > 0) this.unmask();
      })
      .unref();
  }

  mask(): void {
    this.#masked = true;
  }

  unmask(): void {
    this.#masked = false;
    this.#drive();
  }

  /** The client signals itself, to try things out. */
  signal(): void {
    this.#trigger?.signal();
  }

  /** Lets go of all descriptors. */
  clear(): void {
    this.setTrigger(null);
    this.setUnmask(null);
  }

  #drive(): void {
    if (!this.#level || this.#masked || this.#trigger === null) return;
    this.#masked = true;
    this.#trigger.signal();
  }
}
