import { Socket } from "node:net";
import { type BackendUnderTest, testBackend, until } from "@vmmkit/ethif-compliance";
import { SocketType, socketPair } from "@vmmkit/posix";
import { type SocketBackend, streamBackend } from "../src/index.ts";
import { NetPeer } from "./support/net-peer.ts";
import { freePath } from "./support/temporary.ts";

const QUICK = { minMs: 1, maxMs: 8 };
const LOOPBACK = "127.0.0.1";

const peers = new Map<BackendUnderTest, NetPeer>();

async function ready(backend: SocketBackend, peer: NetPeer, setLink = true): Promise<BackendUnderTest> {
  await backend.whenUp();
  await until(
    () => peer.connected,
    5000,
    () => "the peer has no connection",
  );
  const made: BackendUnderTest = {
    backend,
    peer: {
      send: (frame) => peer.send(frame),
      receive: () => peer.receive(),
      pause: () => peer.pause(),
      resume: () => peer.resume(),
      ...(setLink ? { setLink: (up: boolean) => peer.setLink(up) } : {}),
    },
    fail: () => peer.setLink(false),
  };
  peers.set(made, peer);
  return made;
}

const teardown = async (made: BackendUnderTest): Promise<void> => {
  await peers.get(made)?.close();
  peers.delete(made);
};

testBackend({
  name: "stream that connects, UNIX",
  keeps: 200,
  setup: async () => {
    const path = freePath();
    const peer = await NetPeer.listen({ path });
    return ready(streamBackend({ connect: { family: "unix", path }, reconnect: QUICK }), peer);
  },
  teardown,
});

testBackend({
  name: "stream that listens, UNIX",
  setup: () => {
    const path = freePath();
    const backend = streamBackend({ listen: { family: "unix", path } });
    return ready(backend, NetPeer.connect({ path }));
  },
  teardown,
});

testBackend({
  name: "stream that connects, TCP",
  setup: async () => {
    const peer = await NetPeer.listen({ port: 0, host: LOOPBACK });
    const connect = { family: "ipv4", address: LOOPBACK, port: peer.port } as const;
    return ready(streamBackend({ connect, reconnect: QUICK }), peer);
  },
  teardown,
});

testBackend({
  name: "stream that listens, TCP",
  setup: () => {
    const backend = streamBackend({ listen: { family: "ipv4", address: LOOPBACK, port: 0 } });
    const at = backend.localAddress;
    return ready(backend, NetPeer.connect({ host: LOOPBACK, port: at?.family === "ipv4" ? at.port : 0 }));
  },
  teardown,
});

testBackend({
  name: "stream that was given, of a pair",
  setup: () => {
    const [near, far] = socketPair(SocketType.Stream);
    const peer = new NetPeer();
    peer.take(new Socket({ fd: far.fd.release() }));
    return ready(streamBackend({ fd: near.fd, mtu: 9000 }), peer, false);
  },
  teardown,
});
