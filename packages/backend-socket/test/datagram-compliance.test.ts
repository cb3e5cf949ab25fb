import { type BackendUnderTest, PeerCard, testBackend } from "@vmmkit/ethif-compliance";
import { openSocket, type SocketAddress, SocketDomain, SocketType, socketPair } from "@vmmkit/posix";
import { datagramBackend, type SocketBackend } from "../src/index.ts";
import { DatagramPeer } from "./support/datagram-peer.ts";
import { freePath } from "./support/temporary.ts";

const LOOPBACK = "127.0.0.1";
/** A UNIX socket's queue of datagrams may be as short as that (net.unix.max_dgram_qlen). */
const SHORT_QUEUE = 8;

const closers = new Map<BackendUnderTest, () => void>();

function made(backend: SocketBackend, peer: DatagramPeer): BackendUnderTest {
  const made: BackendUnderTest = { backend, peer, fail: () => peer.close() };
  closers.set(made, () => peer.close());
  return made;
}

const teardown = (made: BackendUnderTest): void => {
  closers.get(made)?.();
  closers.delete(made);
};

testBackend({
  name: "datagrams, UNIX",
  keeps: SHORT_QUEUE,
  setup: () => {
    const near: SocketAddress = { family: "unix", path: freePath() };
    const far: SocketAddress = { family: "unix", path: freePath() };
    const socket = openSocket(SocketDomain.Unix, SocketType.Datagram);
    socket.bind(far);
    const backend = datagramBackend({ local: near, remote: far });
    socket.connect(near);
    return made(backend, new DatagramPeer(socket.fd));
  },
  teardown,
});

testBackend({
  name: "datagrams, UDP",
  keeps: 64,
  setup: () => {
    const socket = openSocket(SocketDomain.Ipv4, SocketType.Datagram);
    socket.bind({ family: "ipv4", address: LOOPBACK, port: 0 });
    const far = socket.localAddress();
    if (far === null) throw new Error("the peer has no address");
    const backend = datagramBackend({ local: { family: "ipv4", address: LOOPBACK, port: 0 }, remote: far });
    const near = backend.localAddress;
    if (near === null) throw new Error("the backend has no address");
    socket.connect(near);
    return made(backend, new DatagramPeer(socket.fd));
  },
  teardown,
});

testBackend({
  name: "datagrams that were given, of a pair",
  keeps: SHORT_QUEUE,
  setup: () => {
    const [near, far] = socketPair(SocketType.Datagram);
    return made(datagramBackend({ fd: near.fd, mtu: 9000 }), new DatagramPeer(far.fd));
  },
  teardown,
});

let nextPort = 20_000 + (process.pid % 20_000);

testBackend({
  name: "datagrams, multicast",
  keeps: 64,
  setup: () => {
    const multicast = { group: "239.255.77.1", port: nextPort++, interface: LOOPBACK };
    const far = datagramBackend({ multicast });
    const backend = datagramBackend({ multicast });
    const made = { backend, peer: new PeerCard(far) };
    closers.set(made, () => void far.close());
    return made;
  },
  teardown,
});
