import { PeerCard, testBackend } from "@vmmkit/ethif-compliance";
import { channelBackend, Hub } from "../src/index.ts";
import { channelEnds } from "./support/channel-ends.ts";
import { sum, totalDropped } from "./support/dropped.ts";

testBackend({
  name: "channel, end to end",
  keeps: 200,
  setup: () => {
    const [near, far] = channelEnds();
    const backend = channelBackend(near);
    const farBackend = channelBackend(far);
    const peer = new PeerCard(farBackend);
    return {
      backend,
      peer: Object.assign(peer, { setLink: (up: boolean) => far.setLink(up) }),
      dropped: () => sum(backend.stats().dropped) + sum(farBackend.stats().dropped),
      fail: () => farBackend.close(),
    };
  },
  teardown: async ({ fail }) => fail?.(),
});

testBackend({
  name: "channel to a hub",
  keeps: 200,
  setup: () => {
    const hub = new Hub({ mtu: 9000 });
    const [near, far] = channelEnds();
    const port = hub.join(far);
    const backend = channelBackend(near, { mac: port.mac, mtu: 9000 });
    const peer = new PeerCard(hub.port());
    return {
      backend,
      peer: Object.assign(peer, { setLink: (up: boolean) => port.setLink(up) }),
      dropped: () => totalDropped(hub) + sum(backend.stats().dropped),
      fail: () => port.close(),
    };
  },
  teardown: async ({ fail }) => fail?.(),
});
