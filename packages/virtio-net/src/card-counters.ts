import { QueueCounters } from "@vmmkit/virtio";
import { ControlCounters } from "./control/control-counters.ts";
import { type PairCounters, ReceiveCounters, TransmitCounters, type VirtioNetCounters } from "./counters.ts";
import { FilterCounters } from "./filter/filter-counters.ts";

/** The counters of all queue pairs, and their sums. */
export class CardCounters implements VirtioNetCounters {
  readonly pairs: readonly PairCounters[];
  readonly control: ControlCounters = new ControlCounters();
  readonly filtered: FilterCounters = new FilterCounters();

  /** @param queues the counters of all queues: two for each pair, receive and transmit, and perhaps more behind them */
  constructor(pairs: number, queues: readonly QueueCounters[]) {
    this.pairs = Array.from({ length: pairs }, (_, index) => ({
      receive: new ReceiveCounters(),
      transmit: new TransmitCounters(),
      receiveQueue: queues[2 * index] ?? new QueueCounters(),
      transmitQueue: queues[2 * index + 1] ?? new QueueCounters(),
    }));
  }

  get transmit(): TransmitCounters {
    return this.#sum(
      (pair) => pair.transmit,
      () => new TransmitCounters(),
    );
  }

  get receive(): ReceiveCounters {
    return this.#sum(
      (pair) => pair.receive,
      () => new ReceiveCounters(),
    );
  }

  get transmitQueue(): QueueCounters {
    return this.#sum(
      (pair) => pair.transmitQueue,
      () => new QueueCounters(),
    );
  }

  get receiveQueue(): QueueCounters {
    return this.#sum(
      (pair) => pair.receiveQueue,
      () => new QueueCounters(),
    );
  }

  #sum<T extends object>(part: (pair: PairCounters) => T, empty: () => T): T {
    const [first] = this.pairs;
    if (this.pairs.length === 1 && first !== undefined) return part(first);
    const total = empty();
    for (const pair of this.pairs) addAll(total, part(pair));
    return total;
  }
}

/** Adds all numbers of `source` to those of `total`, within objects too. Both have the same shape. */
function addAll(total: object, source: object): void {
  const to = total as Record<string, unknown>;
  for (const [key, value] of Object.entries(source)) {
    const sum = to[key];
    if (typeof value === "number" && typeof sum === "number") to[key] = sum + value;
    else if (typeof value === "object" && value !== null && typeof sum === "object" && sum !== null) addAll(sum, value);
  }
}
