import { EventFd, type Fd, type Poller, Ready, type Watch } from "@vmmkit/posix";
import { type DeviceQueue, type DeviceState, VIRTIO_F_RING_PACKED } from "@vmmkit/virtio";
import { DiscardedQueue } from "./discarded-queue.ts";
import { ringBase } from "./ring-base.ts";

/** Where a ring is, as guest physical addresses. */
export interface VringPlace {
  readonly descTable: number;
  readonly driverArea: number;
  readonly deviceArea: number;
}

/** How often a ring is looked at that comes without a descriptor to be notified through. */
const POLL_MS = 1;

/** A ring as the front-end sets it up, piece by piece and in any order. It works once it has all of them. */
export class Vring {
  readonly index: number;
  readonly #state: DeviceState;
  readonly #poller: Poller;
  /** Entries. */
  size = 0;
  /** Null as long as the front-end did not say. */
  place: VringPlace | null = null;
  /** Where it goes on, as the front-end said it; null from its beginning. */
  base: number | null = null;
  /** What SET_VRING_ENABLE said last; null as long as it said nothing. */
  enabled: boolean | null = null;
  #kick: EventFd | "poll" | null = null;
  /** Listens to `#kick` while it runs. */
  #watch: Watch | null = null;
  #timer: NodeJS.Timeout | null = null;
  #call: EventFd | null = null;
  /** Told of an error that stopped the ring. */
  #err: EventFd | null = null;
  /** That was told since it started. */
  #failed = false;
  #running = false;
  /** Works on it in the device's place. */
  #discarded: DiscardedQueue | null = null;

  constructor(index: number, state: DeviceState, poller: Poller) {
    this.index = index;
    this.#state = state;
    this.#poller = poller;
  }

  /** Whether the device works on it. */
  get running(): boolean {
    return this.#running;
  }

  /** Whether all is there that it needs to start, but for being enabled. */
  get complete(): boolean {
    return this.#kick !== null && this.place !== null && this.size > 0;
  }

  /**
   * Starts it. Answers false where the device does not take it.
   * @throws RequestError for a base that there cannot be
   */
  start(): boolean {
    const { place, size } = this;
    if (this.#running || place === null) return true;
    const base = this.#goesOnAt();
    if (!this.#state.enableQueue(this.index, { size, ...place }, base)) return false;
    this.#running = true;
    this.#failed = false;
    this.#listen();
    // What came before anybody listened.
    this.#notified();
    return true;
  }

  /**
   * Starts it, so that what is made available goes back to the driver and nothing comes of it.
   * @param queue of its size
   * @throws RequestError for a base that there cannot be
   */
  discard(queue: DeviceQueue): void {
    const { place } = this;
    if (this.#discarded !== null || place === null) return;
    this.stop();
    queue.start(
      { descTable: place.descTable, availRing: place.driverArea, usedRing: place.deviceArea },
      this.#goesOnAt(),
    );
    this.#discarded = new DiscardedQueue(queue, () => this.interrupt());
    this.#listen();
    this.#notified();
  }

  /** Whether what is made available goes back. */
  get discarding(): boolean {
    return this.#discarded !== null;
  }

  /** Stops it where it is; `base` says where that is. */
  stop(): void {
    if (this.#discarded !== null) {
      this.#deafen();
      this.base = this.#discarded.stop();
      this.#discarded = null;
    }
    if (!this.#running) return;
    this.#running = false;
    this.#deafen();
    this.base = this.#state.disableQueue(this.index);
  }

  /** SET_VRING_KICK. @param fd null where the ring is to be polled */
  setKick(fd: Fd | null): void {
    this.#closeKick();
    this.#kick = fd === null ? "poll" : new EventFd(fd);
    if (this.#running || this.#discarded !== null) this.#listen();
  }

  /** SET_VRING_CALL. @param fd null where the driver polls */
  setCall(fd: Fd | null): void {
    this.#call?.close();
    this.#call = fd === null ? null : new EventFd(fd);
    // What was signalled to nobody: a driver that looks once too often does no harm.
    if (this.#running || this.#discarded !== null) this.#call?.signal();
  }

  /** SET_VRING_ERR. @param fd null where nobody wants to be told */
  setErr(fd: Fd | null): void {
    this.#err?.close();
    this.#err = fd === null ? null : new EventFd(fd);
  }

  /** An error stopped the ring: the front-end is told if it wants to be. */
  fail(): void {
    if (!this.#failed) this.#err?.signal();
    this.#failed = true;
  }

  /** The driver is to be told of used buffers. */
  interrupt(): void {
    this.#call?.signal();
  }

  /** GET_VRING_BASE: stops it, and forgets how to be notified, so that it starts again only when it is set up again. */
  release(): number {
    this.stop();
    this.#closeKick();
    return this.base ?? 0;
  }

  /** Back to the beginning, with all descriptors closed. */
  reset(): void {
    this.release();
    this.setCall(null);
    this.setErr(null);
    this.place = null;
    this.size = 0;
    this.base = null;
    this.enabled = null;
  }

  /** Where it goes on. @throws RequestError for what the front-end said and there cannot be */
  #goesOnAt(): number | undefined {
    if (this.base === null) return undefined;
    return ringBase(this.base, this.size, this.#state.hasFeature(VIRTIO_F_RING_PACKED));
  }

  /** The driver may have made chains available. */
  #notified(): void {
    if (this.#discarded !== null) this.#discarded.run();
    else this.#state.notify(this.index);
  }

  #listen(): void {
    const bell = this.#kick;
    if (bell === "poll") {
      this.#timer ??= setInterval(() => this.#notified(), POLL_MS);
    } else if (bell !== null) {
      this.#watch = this.#poller.watch(bell.fd, Ready.Read, () => {
        bell.take();
        this.#notified();
      });
    }
  }

  /** Is notified no longer. The descriptor stays, for the next start. */
  #deafen(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
    this.#watch?.close();
    this.#watch = null;
  }

  #closeKick(): void {
    this.#deafen();
    if (this.#kick !== "poll") this.#kick?.close();
    this.#kick = null;
  }
}
