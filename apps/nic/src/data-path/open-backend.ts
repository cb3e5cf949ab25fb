import type { Hub } from "@vmmkit/backend-loopback";
import { liveBackend } from "@vmmkit/backend-pcap/node";
import { streamBackend } from "@vmmkit/backend-socket";
import { type TapOptions, tapBackend } from "@vmmkit/backend-tap";
import { type Backend, type MacAddress, type RawIfaceFuncs, randomMac } from "@vmmkit/ethif";
import type { Poller } from "@vmmkit/posix";
import { virtioNetDefaultBackend } from "@vmmkit/virtio-net";
import type { LineSpec } from "../backend-spec.ts";
import { type CardConfig, DEFAULT_MTU } from "../config.ts";

/** How a line is opened. */
interface LineOptions {
  /** The address of the card at this end. Left out: a random one. */
  readonly mac?: MacAddress | undefined;
  /** Largest payload, where the line does not say it. */
  readonly mtu: number;
  readonly poller: Poller;
  /** What is asked for of a TAP interface. */
  readonly tap?: TapOptions;
}

/** Opens what carries a card's frames. @throws what the backend throws: no such interface, no right to it */
export function openBackend(config: CardConfig, hub: Hub, poller: Poller): RawIfaceFuncs | Backend {
  const { backend, mac, queues, name, mtu = DEFAULT_MTU } = config;
  if (backend.kind === "hub") return hub.port({ name, ...(mac !== undefined && { mac }) });
  if (backend.kind === "null") return nullBackend(mac ?? randomMac(), mtu);
  // An interface that is there keeps its MTU unless another one is asked for.
  const tap = { queues, vnetHeader: true, ...(config.mtu !== undefined && { mtu }) };
  return openLine(backend, { mac, mtu, poller, tap });
}

/** Opens what leads out of this process. @throws what the backend throws */
export function openLine(spec: LineSpec, { mac, mtu, poller, tap }: LineOptions): Backend {
  const common = { poller, ...(mac !== undefined && { mac }) };
  switch (spec.kind) {
    case "tap":
      return tapBackend({ ...tap, name: spec.name, ...common });
    case "socket":
      return streamBackend({ [spec.how]: spec.address, mtu, ...common });
    case "pcap-live":
      return liveBackend({ interface: spec.name, ...common });
  }
}

function nullBackend(mac: Uint8Array, mtu: number): RawIfaceFuncs {
  return { ...virtioNetDefaultBackend(), lowLevelInit: () => ({ mac, mtu }), getMac: () => mac };
}
