import { PeerCard, testBackend } from "@vmmkit/ethif-compliance";
import { Hub } from "../src/index.ts";
import { totalDropped } from "./support/dropped.ts";

for (const mtu of [1500, 65535]) {
  testBackend({
    name: `hub port, MTU ${mtu}`,
    keeps: 200,
    setup: () => {
      const hub = new Hub({ mtu });
      const backend = hub.port();
      return { backend, peer: new PeerCard(hub.port()), dropped: () => totalDropped(hub) };
    },
  });
}
