import type { CardCore } from "../card-core.ts";
import { type CommandedCard, cardCommands } from "./card-commands.ts";
import type { ControlCounters } from "./control-counters.ts";
import { ControlQueue } from "./control-queue.ts";

/** The control queue of a card, with all its commands. @param interrupt for that queue, if the guest wants it */
export function makeCardControl(
  core: CardCore,
  card: CommandedCard,
  counters: ControlCounters,
  interrupt: () => void,
): ControlQueue {
  const host = {
    memory: core.memory,
    get running() {
      return core.running;
    },
    has: (feature: number) => card.negotiated.has(feature),
    interrupt,
    later: core.later,
  };
  return new ControlQueue(host, cardCommands(card), counters);
}
