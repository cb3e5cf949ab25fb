import { type Backend, type EthDriver, type Frame, parseMac, readFrame, TxResult, writeFrame } from "@vmmkit/ethif";
import { nextTurn, type Peer } from "../../src/index.ts";

/** Frames for the card that wait. */
export const WIRE_KEEPS = 100;

/** Both ends of a wire where everything happens in a later turn of the event loop. */
export interface Wire {
  readonly backend: Backend;
  readonly peer: Peer;
  readonly dropped: () => number;
  readonly fail: () => void;
}

/** Makes a wire that does everything right: each frame sent is kept (`Enqueued`) and completed later. */
export function wire(): Wire {
  const mac = parseMac("02:00:00:00:00:01");
  const outbound: Frame[] = [];
  const inbound: Uint8Array[] = [];
  const arrived: Uint8Array[] = [];
  const receivers: ((frame: Uint8Array) => void)[] = [];
  let card: EthDriver | null = null;
  let paused = false;
  let failed = false;
  let closed = false;
  let dropped = 0;
  let scheduled = false;

  function carryOut(): void {
    for (let frame = outbound[0]; frame !== undefined && !paused; frame = outbound[0]) {
      outbound.shift();
      const bytes = new Uint8Array(frame.totalBytes);
      readFrame(frame, bytes);
      if (frame.rangeCount > 0 && !failed) arrived.push(bytes);
      card?.callbacks.txComplete(frame.cookie);
    }
    while (arrived.length > 0 && receivers.length > 0) receivers.shift()?.(arrived.shift() ?? new Uint8Array(0));
  }

  function carryIn(): void {
    for (let bytes = inbound[0]; bytes !== undefined && card !== null; bytes = inbound[0]) {
      const room = card.callbacks.allocateRxBuf(bytes.length);
      const short = room === null ? card.callbacks.allocateRxBuf(1) : null;
      if (room === null && short === null) return;
      inbound.shift();
      if (room !== null) card.callbacks.rxComplete(1, [room], [writeFrame(room, bytes)]);
      if (short !== null) card.callbacks.rxComplete(1, [short], [0]);
      if (short !== null) dropped++;
    }
  }

  function schedule(): void {
    if (scheduled) return;
    scheduled = true;
    void nextTurn().then(() => {
      scheduled = false;
      if (closed) return;
      carryOut();
      carryIn();
    });
  }

  const backend: Backend = {
    lowLevelInit: (driver) => {
      card = driver;
      return { mac, mtu: 1500 };
    },
    rawTx: (_driver, frame) => {
      if (closed || failed || frame.totalBytes < 14 || frame.totalBytes > 1518) {
        dropped++;
        return TxResult.Failed;
      }
      outbound.push(frame);
      schedule();
      return TxResult.Enqueued;
    },
    rawPoll: schedule,
    rawHandleIRQ: (driver, irq) => driver.raiseIrq(irq),
    getMac: () => mac,
    printState: () => `wire, ${outbound.length} to send`,
    close: async () => {
      if (closed) return;
      closed = true;
      for (const frame of outbound.splice(0)) card?.callbacks.txComplete(frame.cookie);
    },
  };
  const peer: Peer = {
    send: (frame) => {
      if (inbound.length < WIRE_KEEPS) inbound.push(frame);
      else dropped++;
      schedule();
    },
    receive: () =>
      new Promise((resolve) => {
        receivers.push(resolve);
        schedule();
      }),
    setLink: (up) => card?.callbacks.linkChange(up),
    pause: () => {
      paused = true;
    },
    resume: () => {
      paused = false;
      schedule();
    },
  };
  const fail = (): void => {
    failed = true;
  };
  return { backend, peer, dropped: () => dropped, fail };
}
