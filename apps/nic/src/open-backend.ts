import type { Hub } from "@vmmkit/backend-loopback";
import { liveBackend } from "@vmmkit/backend-pcap/node";
import { streamBackend } from "@vmmkit/backend-socket";
import { tapBackend } from "@vmmkit/backend-tap";
import { type Backend, type RawIfaceFuncs, randomMac } from "@vmmkit/ethif";
import type { Poller } from "@vmmkit/posix";
import { virtioNetDefaultBackend } from "@vmmkit/virtio-net";
import { type CardConfig, DEFAULT_MTU } from "./config.ts";

/** Opens what carries a card's frames. @throws what the backend throws: no such interface, no right to it */
export function openBackend(config: CardConfig, hub: Hub, poller: Poller): RawIfaceFuncs | Backend {
  const { backend, mac, queues, name, mtu = DEFAULT_MTU } = config;
  const own = mac === undefined ? {} : { mac };
  switch (backend.kind) {
    case "hub":
      return hub.port({ name, ...own });
    case "tap":
      // An interface that is there keeps its MTU unless another one is asked for.
      return tapBackend({
        name: backend.name,
        queues,
        vnetHeader: true,
        poller,
        ...own,
        ...(config.mtu !== undefined && { mtu: config.mtu }),
      });
    case "socket":
      return streamBackend({ [backend.how]: backend.address, mtu, poller, ...own });
    case "pcap-live":
      return liveBackend({ interface: backend.name, poller, ...own });
    case "null":
      return nullBackend(mac ?? randomMac(), mtu);
  }
}

function nullBackend(mac: Uint8Array, mtu: number): RawIfaceFuncs {
  return { ...virtioNetDefaultBackend(), lowLevelInit: () => ({ mac, mtu }), getMac: () => mac };
}
