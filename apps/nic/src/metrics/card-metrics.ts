import type { CardReport, Direction } from "../data-path/card-report.ts";
import type { Labels, Metric, Sample } from "./exposition.ts";

/** What the names of all metrics but those of the process start with. */
export const PREFIX = "vmmkit_nic";

/** The metrics of cards; docs/nic-control.md has what each number means. */
export function cardMetrics(cards: readonly CardReport[]): Metric[] {
  return [...stateMetrics(cards), ...directionMetrics(cards), ...causeMetrics(cards), ...ringMetrics(cards)];
}

/** The metrics of this process, by the names that Prometheus' own clients give them. */
export function processMetrics(): Metric[] {
  const { user, system } = process.cpuUsage();
  return [
    single("process_cpu_seconds_total", "counter", "Processor time in seconds.", (user + system) / 1e6),
    single("process_resident_memory_bytes", "gauge", "Resident memory in bytes.", process.memoryUsage.rss()),
    single(
      "process_start_time_seconds",
      "gauge",
      "When it started, in seconds since 1970.",
      (Date.now() - process.uptime() * 1000) / 1000,
    ),
  ];
}

function single(name: string, type: Metric["type"], help: string, value: number): Metric {
  return { name, type, help, samples: [{ labels: {}, value }] };
}

function stateMetrics(cards: readonly CardReport[]): Metric[] {
  const state = (name: string, help: string, of: (card: CardReport) => boolean): Metric => ({
    name: `${PREFIX}_${name}`,
    type: "gauge",
    help,
    samples: cards.map((card) => ({ labels: { card: card.name }, value: of(card) ? 1 : 0 })),
  });
  return [
    {
      name: `${PREFIX}_info`,
      type: "gauge",
      help: "Always 1; the labels say what the card is.",
      samples: cards.map(({ name, protocol, socket, mac }) => ({
        labels: { card: name, protocol, socket, mac },
        value: 1,
      })),
    },
    state("connected", "Whether a VMM is connected.", ({ connected }) => connected),
    state("link_up", "Whether the card has a carrier.", ({ linkUp }) => linkUp),
    state("capturing", "Whether a capture is running.", ({ capture }) => capture !== null),
    {
      name: `${PREFIX}_restarts_total`,
      type: "counter",
      help: "How often another process took the place of the one that the data path was in.",
      samples: cards.map(({ name, restarts }) => ({ labels: { card: name }, value: restarts })),
    },
  ];
}

/** Samples of both directions of each card. */
function ofDirections(cards: readonly CardReport[], of: (direction: Direction, labels: Labels) => Sample[]): Sample[] {
  return cards.flatMap((card) =>
    (["transmit", "receive"] as const).flatMap((direction) => of(card[direction], { card: card.name, direction })),
  );
}

function directionMetrics(cards: readonly CardReport[]): Metric[] {
  const count = (name: string, help: string, of: (direction: Direction) => number): Metric => ({
    name: `${PREFIX}_${name}_total`,
    type: "counter",
    help,
    samples: ofDirections(cards, (direction, labels) => [{ labels, value: of(direction) }]),
  });
  return [
    count("frames", "Frames that the guest sent (transmit) or got (receive).", ({ frames }) => frames),
    count("bytes", "Their bytes.", ({ bytes }) => bytes),
    count("notifications", "Notifications from the guest.", ({ notifications }) => notifications),
    count("interrupts", "Interrupts asked for.", ({ interrupts }) => interrupts),
    count("queue_stops", "How often an error of the guest's stopped a queue.", ({ stopped }) => stopped),
    count("limited_frames", "Frames that waited for a rate limit.", ({ faults }) => faults.limited),
    count("delayed_frames", "Frames that were delayed on purpose.", ({ faults }) => faults.delayed),
  ];
}

function causeMetrics(cards: readonly CardReport[]): Metric[] {
  const byCause = (name: string, help: string, of: (direction: Direction) => Direction["dropped"]): Metric => ({
    name: `${PREFIX}_${name}_total`,
    type: "counter",
    help,
    samples: ofDirections(cards, (direction, labels) =>
      Object.entries(of(direction)).map(([cause, value]) => ({ labels: { ...labels, cause }, value })),
    ),
  });
  return [
    byCause("dropped_frames", "Frames that the card dropped, by cause.", ({ dropped }) => dropped),
    byCause(
      "fault_dropped_frames",
      "Frames that were lost on purpose or while they waited, by cause.",
      ({ faults }) => ({
        ...faults.dropped,
      }),
    ),
    byCause("refused_chains", "Chains of the guest's that made no sense, by cause.", ({ refused }) => refused),
  ];
}

function ringMetrics(cards: readonly CardReport[]): Metric[] {
  const ofRings = (
    name: string,
    type: Metric["type"],
    help: string,
    of: (ring: Direction["rings"][number]) => number,
  ): Metric => ({
    name: `${PREFIX}_${name}`,
    type,
    help,
    samples: ofDirections(cards, ({ rings }, labels) =>
      rings.map((ring) => ({ labels: { ...labels, queue: String(ring.queue) }, value: of(ring) })),
    ),
  });
  return [
    ofRings("ring_entries", "gauge", "Entries of a virtqueue that works.", ({ size }) => size),
    ofRings("ring_filled", "gauge", "Entries of it that the card has.", ({ filled }) => filled),
    ofRings("queue_frames_total", "counter", "Frames that went through a virtqueue.", ({ frames }) => frames),
  ];
}
