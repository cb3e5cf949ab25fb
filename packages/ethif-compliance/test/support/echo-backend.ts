import {
  type Backend,
  copyFrame,
  type EthDriver,
  type Frame,
  type LinkInfo,
  parseMac,
  type RawIfaceCallbacks,
  TxResult,
} from "@vmmkit/ethif";

/** Frames that wait while the guest has no room. */
export const ECHO_KEEPS = 64;

/** Looks at a frame that finds only shorter room, before it is given up. */
const PATIENCE = 4;

/** An echo that does everything right, for the suite to be tried on. */
export interface EchoBackend extends Backend {
  dropped(): number;
}

/** Makes an echo. `callbacks` may replace what the card offers, to make a broken one. */
export function echoBackend(
  replace: (callbacks: RawIfaceCallbacks) => Partial<RawIfaceCallbacks> = () => ({}),
): EchoBackend {
  const link: LinkInfo = { mac: parseMac("02:00:00:00:00:01"), mtu: 9000 };
  const waiting: Frame[] = [];
  let batch: { frames: Frame[]; lengths: number[] } = { frames: [], lengths: [] };
  let callbacks: RawIfaceCallbacks | null = null;
  let busy = false;
  let closed = false;
  let dropped = 0;
  let looks = 0;

  function deliver(frame: Frame): boolean {
    const room = callbacks?.allocateRxBuf(frame.totalBytes) ?? null;
    if (room === null) return false;
    batch.frames.push(room);
    batch.lengths.push(copyFrame(frame, room));
    looks = 0;
    return true;
  }

  function neverFits(): boolean {
    const room = callbacks?.allocateRxBuf(1) ?? null;
    if (room === null) return false;
    callbacks?.rxComplete(1, [room], [0]);
    looks = (looks + 1) % PATIENCE;
    return looks === 0;
  }

  function resume(): void {
    for (let frame = waiting[0]; frame !== undefined; frame = waiting[0]) {
      if (frame.rangeCount === 0) dropped++;
      else if (!deliver(frame)) {
        if (!neverFits()) return;
        dropped++;
      }
      waiting.shift();
      callbacks?.txComplete(frame.cookie);
    }
  }

  function send(): boolean {
    const { frames, lengths } = batch;
    batch = { frames: [], lengths: [] };
    callbacks?.rxComplete(
      frames.length,
      frames,
      lengths.map((length, i) => (frames[i]?.totalBytes === 0 ? 0 : length)),
    );
    return frames.length > 0;
  }

  function flush(): void {
    if (busy || closed) return;
    busy = true;
    do resume();
    while (send());
    busy = false;
  }

  return {
    lowLevelInit: (driver: EthDriver) => {
      callbacks = { ...driver.callbacks, ...replace(driver.callbacks) };
      return link;
    },
    rawTx: (_driver, frame) => {
      const bad = closed || frame.totalBytes < 14 || frame.totalBytes > link.mtu + 18;
      if (!bad && waiting.length === 0 && deliver(frame)) return TxResult.Complete;
      if (!bad && waiting.length < ECHO_KEEPS) {
        waiting.push(frame);
        return TxResult.Enqueued;
      }
      dropped++;
      return TxResult.Failed;
    },
    rawTxFlush: flush,
    rawPoll: flush,
    rawHandleIRQ: (driver, irq) => driver.raiseIrq(irq),
    getMac: () => link.mac,
    printState: () => `echo, ${waiting.length} waiting`,
    close: async () => {
      if (closed) return;
      closed = true;
      for (const frame of waiting.splice(0)) callbacks?.txComplete(frame.cookie);
      if (!busy) send();
    },
    dropped: () => dropped,
  };
}
