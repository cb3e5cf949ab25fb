import type { CardedGuest, CardState } from "@vmmkit/linux-guest";
import * as virtio from "@vmmkit/virtio";
import Table from "cli-table3";

/** A feature bit that a card offers. */
interface FeatureRow {
  readonly bit: number;
  /** The specification's name without VIRTIO_F_ or VIRTIO_NET_F_. */
  readonly name: string;
  /** Whether the guest's driver took it. */
  readonly taken: boolean;
}

/** What a card and its guest's driver agreed on. */
export interface Negotiated {
  readonly guest: string;
  /** The interface that the driver uses. */
  readonly transport: "legacy" | "modern";
  readonly ring: "split" | "packed";
  /** As the guest has it. */
  readonly interrupts: "INTx" | "MSI-X";
  /** Entries of each queue that the driver placed: receiveq1, transmitq1, …, controlq. */
  readonly queueSizes: readonly number[];
  readonly features: readonly FeatureRow[];
}

/** Names of all feature bits, by their numbers. */
const NAMES: ReadonlyMap<number, string> = new Map(
  Object.entries(virtio).flatMap(([constant, bit]) => {
    const name = /^VIRTIO_(?:NET_)?F_(\w+)$/.exec(constant)?.[1];
    return name === undefined || typeof bit !== "number" ? [] : [[bit, name] as const];
  }),
);

/** Asks a guest and its card what they agreed on. */
export async function negotiated(guest: CardedGuest): Promise<Negotiated> {
  const [state, { code }] = await Promise.all([
    guest.cardState(),
    guest.run("test -d /sys/class/net/eth0/device/../msi_irqs"),
  ]);
  return describeCard(guest.name, state, code === 0);
}

/** @param msix whether the guest uses MSI-X */
export function describeCard(guest: string, state: CardState, msix: boolean): Negotiated {
  const taken = (bit: number): boolean => hasBit(state.taken, bit);
  const modern = taken(virtio.VIRTIO_F_VERSION_1);
  const bits = Array.from({ length: 64 }, (_, bit) => bit).filter((bit) => hasBit(state.offered, bit));
  return {
    guest,
    transport: modern ? "modern" : "legacy",
    ring: taken(virtio.VIRTIO_F_RING_PACKED) ? "packed" : "split",
    interrupts: msix ? "MSI-X" : "INTx",
    queueSizes: state.queueSizes,
    features: bits.map((bit) => ({ bit, name: NAMES.get(bit) ?? "?", taken: taken(bit) })),
  };
}

/** One table for all guests: how they reach their cards, then feature by feature. */
export function featureTable(cards: readonly Negotiated[]): string {
  const table = new Table({
    head: ["bit", "feature", ...cards.map(({ guest }) => guest)],
    style: { head: [], border: [] },
  });
  table.push(["", "transport", ...cards.map(({ transport }) => transport)]);
  table.push(["", "virtqueues", ...cards.map(({ ring }) => ring)]);
  table.push(["", "queue sizes", ...cards.map(({ queueSizes }) => queueSizes.join(" "))]);
  table.push(["", "interrupts", ...cards.map(({ interrupts }) => interrupts)]);
  const rows = new Map(cards.flatMap(({ features }) => features.map(({ bit, name }) => [bit, name] as const)));
  for (const [bit, name] of [...rows].sort(([a], [b]) => a - b)) {
    table.push([bit, name, ...cards.map((card) => cell(card, bit))]);
  }
  return table.toString();
}

function cell({ features }: Negotiated, bit: number): string {
  const feature = features.find((one) => one.bit === bit);
  if (feature === undefined) return "-";
  return feature.taken ? "taken" : "offered";
}

function hasBit(words: readonly number[], bit: number): boolean {
  return (((words[bit >> 5] ?? 0) >>> (bit & 31)) & 1) !== 0;
}
