import { Hub } from "@vmmkit/backend-loopback";
import { Card } from "./card.ts";
import type { NicConfig } from "./config.ts";
import { Control } from "./control/server.ts";

/** The cards of one process, the hub between those that want it, and the control socket. */
export class Nic {
  readonly cards: readonly Card[];
  readonly #control: Control | null;

  private constructor(cards: readonly Card[], control: Control | null) {
    this.cards = cards;
    this.#control = control;
  }

  /** Serves what is asked for. @throws what cannot be had, named; nothing is left open then */
  static async start(config: NicConfig, log: (line: string) => void): Promise<Nic> {
    const mtu = config.cards.find(({ backend }) => backend.kind === "hub")?.mtu ?? 1500;
    const hub = new Hub({ mtu });
    const cards: Card[] = [];
    try {
      for (const card of config.cards) cards.push(new Card(card, hub, log));
      const control = config.control === undefined ? null : new Control(config.control, cards);
      return new Nic(cards, control);
    } catch (error) {
      for (const card of cards) await card.close();
      throw error;
    }
  }

  /** Sockets go, VMMs are told, captures are written to their end. */
  async close(): Promise<void> {
    this.#control?.close();
    for (const card of this.cards) await card.close();
  }
}
