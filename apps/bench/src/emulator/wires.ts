import { type Backend, type EthDriver, type Frame, Offload, readFrame, TxResult, writeFrame } from "@vmmkit/ethif";
import { addVirtioNet, attachVmmkit } from "@vmmkit/v86";
import { VIRTIO_NET_HDR_F_DATA_VALID, VIRTIO_NET_HDR_F_NEEDS_CSUM, VIRTIO_NET_HDR_GSO_TCPV4 } from "@vmmkit/virtio";
import type { VirtioNet } from "@vmmkit/virtio-net";
import type { V86 } from "v86";
import { NetPeer } from "../peer/net-peer.ts";
import { L4_AT } from "../peer/packet.ts";

/** A card in the guest, and the peer at the other end of its wire. */
export interface Wire {
  readonly name: string;
  /** Network part of the wire's addresses: the peer is .1, the guest .2. */
  readonly subnet: readonly [number, number, number];
  readonly peer: NetPeer;
  /** Guest instructions that the emulator has executed so far, modulo 2^32. */
  instructions(): number;
}

/** What v86 offers of its inside for its own network card. */
interface NetBus {
  register(name: string, handler: (data: Uint8Array) => void, self: unknown): void;
  send(name: string, data: Uint8Array): void;
}

const MTU = 1500;
const LONGEST_FRAME = 65535 + 18;
/** In our card's slot this pin leads to another interrupt than that of v86's card: neither answers for the other's. */
const INTERRUPT_PIN = 2;
const OFFLOADS = Offload.Csum | Offload.Tso4;
/** In the TCP header, which the peer sends without options behind a SYN. */
const TCP_CHECKSUM_AT = 16;
const TCP_BYTES = 20;

/** The wire of v86's own card: frames cross as messages on the emulator's bus. */
export function ownWire(emulator: V86, subnet: Wire["subnet"]): Wire {
  const bus = (emulator as unknown as { bus: NetBus }).bus;
  const peer = new NetPeer((frame) => bus.send("net0-receive", frame), [...subnet, 1]);
  bus.register("net0-send", (frame) => peer.receive(frame), null);
  return { name: "v86's own card", subnet, peer, instructions: () => emulator.get_instruction_counter() };
}

/** The wire of our card. Checksums and segmentation are left to the other side, as the emulator's own card cannot. */
export function ourWire(emulator: V86, subnet: Wire["subnet"]): Wire & { readonly card: VirtioNet } {
  const machine = attachVmmkit(emulator);
  let driver: EthDriver | null = null;
  const frames: Frame[] = [];
  const lengths: number[] = [];
  const peer = new NetPeer(
    (frame, segmentBytes) => {
      const room = driver?.callbacks.allocateRxBuf(frame.length) ?? null;
      if (room === null) return;
      writeFrame(room, frame);
      describe(room, segmentBytes);
      frames[0] = room;
      lengths[0] = frame.length;
      driver?.callbacks.rxComplete(1, frames, lengths);
    },
    [...subnet, 1],
    { segments: true },
  );
  const backend = peerBackend(peer, (made) => {
    driver = made;
  });
  const card = addVirtioNet(machine, backend, { interruptPin: INTERRUPT_PIN });
  return { name: "our card", subnet, peer, card, instructions: () => emulator.get_instruction_counter() };
}

/** Says what is left to be done with a frame. The peer's checksums are right. */
function describe(frame: Frame, segmentBytes: number): void {
  const long = segmentBytes > 0;
  frame.flags = long ? VIRTIO_NET_HDR_F_NEEDS_CSUM : VIRTIO_NET_HDR_F_DATA_VALID;
  frame.gsoType = long ? VIRTIO_NET_HDR_GSO_TCPV4 : 0;
  frame.gsoSize = segmentBytes;
  frame.hdrLen = long ? L4_AT + TCP_BYTES : 0;
  frame.csumStart = long ? L4_AT : 0;
  frame.csumOffset = long ? TCP_CHECKSUM_AT : 0;
}

function peerBackend(peer: NetPeer, onInit: (driver: EthDriver) => void): Backend {
  const mac = Uint8Array.of(2, 0x76, 0x6d, 0x6d, 0, 2);
  const buffer = new Uint8Array(LONGEST_FRAME);
  return {
    lowLevelInit: (driver) => {
      onInit(driver);
      return { mac, mtu: MTU, txOffloads: OFFLOADS, rxOffloads: OFFLOADS };
    },
    rawTx: (_driver, frame) => {
      // One frame at a time: a card hands no other up before this one is done with, whatever the peer answers.
      peer.receive(buffer.subarray(0, readFrame(frame, buffer)));
      return TxResult.Complete;
    },
    rawPoll: () => {},
    rawHandleIRQ: (driver, irq) => driver.raiseIrq(irq),
    getMac: () => mac,
    printState: () => "the bench's peer",
    close: async () => {},
  };
}
