import type { Transferable } from "node:worker_threads";
import type { AddVirtioNetOptions } from "@vmmkit/v86";
import type { VirtioNetCounters } from "@vmmkit/virtio-net";
import type { Guest } from "../guest.ts";
import { GuestThread } from "../guest-thread.ts";
import type { GuestListeners, GuestOptions } from "../linux-guest.ts";
import type { CardData, CardRequest, CardState } from "./card-module.ts";

/** Options of a guest with a card. */
export interface CardedGuestOptions extends GuestOptions, GuestListeners {
  /** The guest's name, and its card's. */
  readonly name: string;
  /** Options of its card. */
  readonly card?: Omit<AddVirtioNetOptions, "log" | "name">;
}

/** A guest with a card, in a thread of its own. */
export interface CardedGuest extends Guest {
  readonly name: string;
  /** What its card counted so far. */
  counters(): Promise<VirtioNetCounters>;
  /** How its card is now. */
  cardState(): Promise<CardState>;
  /** Plugs its cable in or pulls it, at the card. */
  setLink(up: boolean): Promise<void>;
  /** Asks its backend; see `GuestBackend.ask`. */
  askBackend(request: unknown): Promise<unknown>;
}

/**
 * Starts a guest whose card's frames are carried by a backend in the guest's own thread.
 * @param module exports `openBackend` (see `OpenBackend`), and may be TypeScript
 * @param data its argument. It is cloned
 */
export function startCardedGuest(options: CardedGuestOptions, module: URL, data: unknown): CardedGuest {
  return startWithWire(options, { kind: "module", module: module.href, data });
}

/** Starts a guest whose card is on a wire. */
export function startWithWire(
  options: CardedGuestOptions,
  wire: CardData["wire"],
  transferList: readonly Transferable[] = [],
): CardedGuest {
  const { name, card, ...guest } = options;
  const attachData: CardData = { wire, card: { ...card, name } };
  const attachModule = new URL("./card-module.ts", import.meta.url);
  const thread = new GuestThread({ ...guest, attachModule, attachData, transferList });
  const ask = (request: CardRequest): Promise<unknown> => thread.ask(request);
  return {
    name,
    get consoleText() {
      return thread.consoleText;
    },
    get progress() {
      return thread.progress;
    },
    ready: () => thread.ready(),
    run: (command, options) => thread.run(command, options),
    start: (command) => thread.start(command),
    sendText: (text) => thread.sendText(text),
    reboot: () => thread.reboot(),
    ask: (request) => thread.ask(request),
    destroy: () => thread.destroy(),
    counters: async () => (await ask({ kind: "counters" })) as VirtioNetCounters,
    cardState: async () => (await ask({ kind: "state" })) as CardState,
    setLink: async (up) => void (await ask({ kind: "link", up })),
    askBackend: (request) => ask({ kind: "backend", request }),
  };
}
