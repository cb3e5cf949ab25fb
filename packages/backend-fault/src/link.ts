import { Alarm } from "./alarm.ts";
import type { FaultClock } from "./clock.ts";
import type { LossCause } from "./counters.ts";
import type { Dice } from "./dice.ts";
import { type LinkSettings, STEADY_LINK } from "./settings.ts";

/** The cable: up where the backend's link is up and nobody pulled it here. */
export class Link {
  /** How often it went down by itself. */
  disconnects = 0;
  settings: LinkSettings = STEADY_LINK;
  /** The backend's own link. */
  backendUp = true;
  readonly #clock: FaultClock;
  readonly #dice: Dice;
  readonly #reconnect: Alarm;
  readonly #onChange: () => void;
  #plugged: boolean;
  #reconnectAtMs = 0;
  #closed = false;

  /** @param onChange called when the cable was plugged in or pulled, and at `close` */
  constructor(plugged: boolean, clock: FaultClock, dice: Dice, onChange: () => void) {
    this.#plugged = plugged;
    this.#clock = clock;
    this.#dice = dice;
    this.#onChange = onChange;
    this.#reconnect = new Alarm(clock, () => this.#tryReconnect());
  }

  /** Whether there is a carrier for the card. */
  get up(): boolean {
    return this.backendUp && this.#plugged;
  }

  /** Whether frames pass here. Where only the backend's link is down, it decides about them itself. */
  get plugged(): boolean {
    return this.#plugged;
  }

  /** Whether all frames pass, now and until a setting changes. */
  get steady(): boolean {
    return this.#plugged && !this.#closed && this.settings.disconnect === 0;
  }

  /** Whether nothing passes ever again. */
  get closed(): boolean {
    return this.#closed;
  }

  /** A frame comes: why it is lost at the link, or null. The link may go down at it. */
  lossOf(): LossCause | null {
    if (this.#closed) return "closed";
    const { disconnect, reconnectMs } = this.settings;
    if (this.#plugged && disconnect > 0 && this.#dice.hit(disconnect)) {
      this.disconnects++;
      this.#reconnectAtMs = this.#clock.now() + reconnectMs;
      this.#reconnect.set(this.#reconnectAtMs);
      this.#plugged = false;
      this.#onChange();
    }
    return this.#plugged ? null : "linkDown";
  }

  /** Plugs the cable in or pulls it, until this is called again. */
  plug(plugged: boolean): void {
    this.#reconnect.clear();
    if (this.#closed || plugged === this.#plugged) return;
    this.#plugged = plugged;
    this.#onChange();
  }

  /** Nothing passes any more. */
  close(): void {
    this.#closed = true;
    this.#reconnect.clear();
    this.#onChange();
  }

  #tryReconnect(): void {
    if (this.#clock.now() < this.#reconnectAtMs) this.#reconnect.set(this.#reconnectAtMs);
    else this.plug(true);
  }
}
