import type { MessagePort } from "node:worker_threads";
import { channelBackend, type Doorbell, FrameChannel } from "@vmmkit/backend-loopback";
import { addVirtioNet, attachVmmkit } from "@vmmkit/v86";
import type { VirtioNetCounters, VirtioNetOptions } from "@vmmkit/virtio-net";
import type { V86 } from "v86";
import type { Attachment } from "../guest.ts";

/** What a card in a guest's thread is made from. It can be cloned; the doorbell has to be transferred. */
export interface CardData {
  /** Memory of the frame channel whose end 1 is the card's. */
  readonly memory: SharedArrayBuffer;
  /** The channel's doorbell on this side. */
  readonly doorbell: MessagePort;
  readonly mac: Uint8Array;
  readonly mtu: number;
  /** Options of the card, without functions. */
  readonly card: Omit<VirtioNetOptions, "log" | "mmio">;
}

/** A question to the card. */
export type CardRequest =
  | { readonly kind: "counters" }
  | { readonly kind: "state" }
  | { readonly kind: "link"; readonly up: boolean };

/** Answer to `state`. */
export interface CardState {
  /** The guest's driver is up. */
  readonly running: boolean;
  readonly linkUp: boolean;
  readonly mac: Uint8Array;
  /** First port of the card's registers now. */
  readonly iobase: number;
  /** Features that card and driver agreed on, bits 0 to 31. */
  readonly features: number;
  /** What was logged, a line each. */
  readonly log: readonly string[];
}

/** Puts a card into a guest's emulator, its frames going through a channel to another thread. */
export function attach(emulator: V86, data: CardData): Attachment {
  const machine = attachVmmkit(emulator);
  const log: string[] = [];
  const doorbell: Doorbell = data.doorbell;
  const end = new FrameChannel({ memory: data.memory, side: 1, doorbell });
  const backend = channelBackend(end, { mac: data.mac, mtu: data.mtu });
  const card = addVirtioNet(machine, backend, { ...data.card, log: (line) => log.push(line) });
  // Frames that come while the guest is busy need not wait for the event loop.
  machine.onSlice(() => backend.poll());
  const state = (): CardState => ({
    running: card.running,
    linkUp: card.linkUp,
    mac: card.mac,
    iobase: card.iobase,
    features: card.emul.state.driverFeaturesLow,
    log,
  });
  const answer = (request: CardRequest): VirtioNetCounters | CardState | undefined => {
    if (request.kind === "counters") return card.counters;
    if (request.kind === "link") card.setLink(request.up);
    return request.kind === "state" ? state() : undefined;
  };
  return {
    ask: (request) => answer(request as CardRequest),
    close: async () => {
      card.close();
      await backend.close();
      machine.detach();
    },
  };
}
