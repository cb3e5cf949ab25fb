import type { MessagePort } from "node:worker_threads";
import { channelBackend, type Doorbell, FrameChannel } from "@vmmkit/backend-loopback";
import type { Backend } from "@vmmkit/ethif";
import { type AddVirtioNetOptions, addVirtioNet, attachVmmkit, type V86Machine } from "@vmmkit/v86";
import type { VirtioNet, VirtioNetCounters } from "@vmmkit/virtio-net";
import type { V86 } from "v86";
import type { Attachment } from "../guest.ts";

/** The card's frames go through a channel to another thread, where a hub is. */
export interface ChannelWire {
  readonly kind: "channel";
  /** Memory of the frame channel whose end 1 is the card's. */
  readonly memory: SharedArrayBuffer;
  /** The channel's doorbell on this side. */
  readonly doorbell: MessagePort;
  readonly mac: Uint8Array;
  readonly mtu: number;
}

/** A module makes the card's backend, in the guest's thread: no frame passes through another thread. */
export interface ModuleWire {
  readonly kind: "module";
  /** Its address. It exports `openBackend: OpenBackend`. */
  readonly module: string;
  readonly data: unknown;
}

/** What a module exports under the name `openBackend`. */
export type OpenBackend = (data: unknown) => GuestBackend | Promise<GuestBackend>;

/** A backend that may answer questions of the guest's owner. */
export interface GuestBackend extends Backend {
  /** The answer to a `CardRequest` of kind "backend". It can be cloned. */
  ask?(request: unknown): unknown;
}

/** What a card in a guest's thread is made from. It can be cloned; a doorbell has to be transferred. */
export interface CardData {
  readonly wire: ChannelWire | ModuleWire;
  /** Options of the card, without functions. */
  readonly card: Omit<AddVirtioNetOptions, "log">;
}

/** A question to the card. */
export type CardRequest =
  | { readonly kind: "counters" }
  | { readonly kind: "state" }
  | { readonly kind: "link"; readonly up: boolean }
  | { readonly kind: "backend"; readonly request: unknown };

/** Answer to `state`. */
export interface CardState {
  /** The guest's driver is up. */
  readonly running: boolean;
  readonly linkUp: boolean;
  readonly mac: Uint8Array;
  /** First port of the card's registers now. */
  readonly iobase: number;
  /** Features on offer to this driver: bits 0 to 31, and 32 to 63. */
  readonly offered: readonly number[];
  /** Those of them that it took. */
  readonly taken: readonly number[];
  /** Entries of each queue that it placed. */
  readonly queueSizes: readonly number[];
  /** What was logged, a line each. */
  readonly log: readonly string[];
}

/** Puts a card into a guest's emulator. */
export async function attach(emulator: V86, data: CardData): Promise<Attachment> {
  const { wire } = data;
  const backend = wire.kind === "channel" ? channelTo(wire) : await loadBackend(wire);
  const machine = attachVmmkit(emulator);
  const log: string[] = [];
  const card = addVirtioNet(machine, backend, { ...data.card, log: (line) => log.push(line) });
  pollInSlices(machine, backend, card);
  return {
    ask: (request) => answer(card, backend, log, request as CardRequest),
    close: async () => {
      card.close();
      await backend.close();
      machine.detach();
    },
  };
}

function channelTo({ memory, doorbell, mac, mtu }: ChannelWire): GuestBackend & { poll(): void } {
  const bell: Doorbell = doorbell;
  return channelBackend(new FrameChannel({ memory, side: 1, doorbell: bell }), { mac, mtu });
}

async function loadBackend({ module, data }: ModuleWire): Promise<GuestBackend> {
  const { openBackend } = (await import(module)) as { openBackend: OpenBackend };
  return openBackend(data);
}

/** Frames that come while the guest is busy need not wait for the event loop. */
function pollInSlices(machine: V86Machine, backend: GuestBackend & { poll?(): void }, card: VirtioNet): void {
  machine.onSlice(() => (backend.poll === undefined ? backend.rawPoll(card.emulDriver) : backend.poll()));
}

function answer(card: VirtioNet, backend: GuestBackend, log: readonly string[], request: CardRequest): unknown {
  switch (request.kind) {
    case "counters":
      return plainCounters(card.counters);
    case "state":
      return stateOf(card, log);
    case "link":
      return void card.setLink(request.up);
    case "backend":
      return backend.ask?.(request.request);
  }
}

function stateOf(card: VirtioNet, log: readonly string[]): CardState {
  const { state } = card.emul;
  // The second word is the modern interface's alone: a driver that uses it took VERSION_1, the word's first bit.
  const by = (state.driverFeaturesHigh & 1) !== 0 ? "modern" : "legacy";
  return {
    running: card.running,
    linkUp: card.linkUp,
    mac: card.mac,
    iobase: card.iobase,
    offered: [state.offered(0, by), state.offered(1, by)],
    taken: [state.driverFeaturesLow, state.driverFeaturesHigh],
    queueSizes: state.queues.filter(({ layout }) => layout !== null).map(({ size }) => size),
    log,
  };
}

/** The counters as an object without getters, which do not cross from one thread to another. */
function plainCounters(counters: VirtioNetCounters): VirtioNetCounters {
  const { transmit, receive, transmitQueue, receiveQueue, pairs, control, filtered } = counters;
  return { transmit, receive, transmitQueue, receiveQueue, pairs, control, filtered };
}
