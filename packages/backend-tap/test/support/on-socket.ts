import { type EthDriver, Frame } from "@vmmkit/ethif";
import { type IoRing, type Socket, SocketType, socketPair } from "@vmmkit/posix";
import { onTestFinished } from "vitest";
import { TapCounters } from "../../src/counters.ts";
import { Transmit } from "../../src/transmit.ts";

/** One direction alone, onto a socket. */
export interface OnSocket {
  readonly transmit: Transmit;
  readonly counters: TapCounters;
  /** The far end. */
  readonly there: Socket;
  readonly driver: EthDriver;
  /** Cookies of frames that came back. */
  readonly completed: number[];
  /** How often the kernel said that the interface is down or gone. */
  readonly troubles: () => number;
}

/**
 * The way out alone, onto a socket that keeps the borders of frames as a TAP interface does.
 * @param ring sends many frames at once; null for a call each
 */
export function onSocket(queueFrames: number, headerBytes: number, ring: IoRing | null): OnSocket {
  const [here, there] = socketPair(SocketType.SeqPacket);
  onTestFinished(() => {
    here.close();
    there.close();
  });
  const counters = new TapCounters();
  let troubles = 0;
  const trouble = (): void => {
    troubles++;
  };
  const transmit = new Transmit(here.fd, headerBytes, counters, queueFrames, trouble, ring);
  const completed: number[] = [];
  const driver = { callbacks: { txComplete: (cookie: number) => completed.push(cookie) } } as unknown as EthDriver;
  return { transmit, counters, there, troubles: () => troubles, completed, driver };
}

/** A frame that lies in pieces, the last of which may be shorter. */
export function frameOf(bytes: Uint8Array, cookie = 0, pieceBytes: number = bytes.length): Frame {
  const frame = new Frame();
  frame.cookie = cookie;
  for (let at = 0; at < bytes.length; at += pieceBytes) frame.push(bytes, at, Math.min(pieceBytes, bytes.length - at));
  return frame;
}
