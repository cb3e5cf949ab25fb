import { MessageChannel } from "node:worker_threads";
import { FrameChannel, frameChannelMemory, Hub, type HubChannelPort } from "@vmmkit/backend-loopback";
import type { VirtioNetCounters, VirtioNetOptions } from "@vmmkit/virtio-net";
import type { Guest } from "../guest.ts";
import { GuestThread } from "../guest-thread.ts";
import type { GuestListeners, GuestOptions } from "../linux-guest.ts";
import type { CardData, CardRequest, CardState } from "./card-module.ts";

/** Options of a guest on a network. */
export interface NetworkGuestOptions extends GuestOptions, GuestListeners {
  /** The guest's name: its hub port's, its card's. */
  readonly name: string;
  /** Options of its card. */
  readonly card?: Omit<VirtioNetOptions, "log" | "name">;
}

/** A guest on a network, in a thread of its own. */
export interface NetworkGuest extends Guest {
  readonly name: string;
  /** Its port on the hub. */
  readonly port: HubChannelPort;
  /** What its card counted so far. */
  counters(): Promise<VirtioNetCounters>;
  /** How its card is now. */
  cardState(): Promise<CardState>;
  /** Plugs its cable in or pulls it, at the card. */
  setLink(up: boolean): Promise<void>;
}

/** Linux guests that share a hub. Each guest and its card have a thread of their own, the hub is on this one. */
export class GuestNetwork {
  readonly hub: Hub;
  readonly #mtu: number;
  readonly #guests: Guest[] = [];
  readonly #ports: HubChannelPort[] = [];

  /** @param mtu of all cards: 68 to 65535 */
  constructor(mtu = 1500) {
    this.#mtu = mtu;
    this.hub = new Hub({ mtu });
  }

  /** Starts a guest. It boots at once; `ready()` says when it is up. */
  add(options: NetworkGuestOptions): NetworkGuest {
    const { name, card, ...guest } = options;
    const memory = frameChannelMemory();
    const doorbells = new MessageChannel();
    const port = this.hub.join(new FrameChannel({ memory, side: 0, doorbell: doorbells.port1 }), { name });
    const data: CardData = {
      memory,
      doorbell: doorbells.port2,
      mac: port.mac,
      mtu: this.#mtu,
      card: { ...card, name },
    };
    const thread = new GuestThread({
      ...guest,
      attachModule: new URL("./card-module.ts", import.meta.url),
      attachData: data,
      transferList: [doorbells.port2],
    });
    this.#guests.push(thread);
    this.#ports.push(port);
    return networkGuest(thread, name, port);
  }

  /** Ends all guests and closes the hub's ports. A second call does nothing. */
  async close(): Promise<void> {
    await Promise.all(this.#guests.splice(0).map((guest) => guest.destroy()));
    for (const port of this.#ports.splice(0)) port.close();
  }
}

function networkGuest(thread: GuestThread, name: string, port: HubChannelPort): NetworkGuest {
  const ask = (request: CardRequest): Promise<unknown> => thread.ask(request);
  return {
    name,
    port,
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
  };
}
