import { MessageChannel } from "node:worker_threads";
import { FrameChannel, frameChannelMemory, Hub, type HubChannelPort } from "@vmmkit/backend-loopback";
import { type CardedGuest, type CardedGuestOptions, startWithWire } from "./carded-guest.ts";

/** A guest on a network, in a thread of its own. Its name is its hub port's too. */
export interface NetworkGuest extends CardedGuest {
  /** Its port on the hub. */
  readonly port: HubChannelPort;
}

/** Linux guests that share a hub. Each guest and its card have a thread of their own, the hub is on this one. */
export class GuestNetwork {
  readonly hub: Hub;
  readonly #mtu: number;
  readonly #guests: NetworkGuest[] = [];

  /** @param mtu of all cards: 68 to 65535 */
  constructor(mtu = 1500) {
    this.#mtu = mtu;
    this.hub = new Hub({ mtu });
  }

  /** Starts a guest. It boots at once; `ready()` says when it is up. */
  add(options: CardedGuestOptions): NetworkGuest {
    const memory = frameChannelMemory();
    const { port1, port2: doorbell } = new MessageChannel();
    const port = this.hub.join(new FrameChannel({ memory, side: 0, doorbell: port1 }), { name: options.name });
    const wire = { kind: "channel", memory, doorbell, mac: port.mac, mtu: this.#mtu } as const;
    const guest: NetworkGuest = Object.assign(startWithWire(options, wire, [doorbell]), { port });
    this.#guests.push(guest);
    return guest;
  }

  /** Ends all guests and closes the hub's ports. A second call does nothing. */
  async close(): Promise<void> {
    const guests = this.#guests.splice(0);
    await Promise.all(guests.map((guest) => guest.destroy()));
    for (const { port } of guests) port.close();
  }
}
