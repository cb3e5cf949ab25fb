import { type Backend, copyFrame, type EthDriver, Frame, readFrame, TxResult } from "@vmmkit/ethif";
import { type EchoBackend, echoBackend } from "./echo-backend.ts";

/** A backend that breaks the contract in one way. */
export interface BrokenBackend {
  /** What it does. */
  readonly does: string;
  readonly make: () => Backend & { dropped?: () => number };
  /** Tests that have to fail for it, and with what message. */
  readonly caughtBy: Readonly<Record<string, RegExp>>;
}

const carries = "carries frames both ways, byte for byte";
const order = "keeps the order of frames";
const scattered = "carries frames scattered over many ranges";
const enqueued = "leaves enqueued frames where they are, and completes each once";
const resumes = "resumes whenever room is posted, and misses no wake-up";
const keeps = "keeps frames while the guest has no room, and delivers them in order";
const answers = "bears a guest that transmits from within its interrupt, again and again";
const reset = "bears a card that is reset while frames and rooms are out";
const busyClose = "gives back all frames and rooms when it is closed while busy";
const early = "gives back rooms that it holds when it is closed before a flush";
const ownership = "sends what the guest had in its buffers until it gives them back, and reads nothing afterwards";

function change(replace: (echo: EchoBackend) => Partial<Backend>): () => Backend {
  return () => {
    const echo = echoBackend();
    return { ...echo, ...replace(echo) };
  };
}

function everyThird(): () => boolean {
  let count = 0;
  return () => ++count % 3 === 0;
}

function dropsEveryThird(): Backend {
  const third = everyThird();
  const echo = echoBackend();
  return { ...echo, rawTx: (...args) => (third() ? TxResult.Complete : echo.rawTx(...args)) };
}

function sendsTwice(echo: EchoBackend): Partial<Backend> {
  return {
    rawTx: (driver, frame, cookie) => {
      const result = echo.rawTx(driver, frame, cookie);
      return result === TxResult.Complete ? echo.rawTx(driver, frame, cookie) : result;
    },
  };
}

function readsLate(echo: EchoBackend): Partial<Backend> {
  const late: Frame[] = [];
  return {
    rawTx: (_driver, frame) => {
      const kept = new Frame();
      for (let i = 0; i < frame.rangeCount; i++) {
        kept.push(frame.bytes[i] ?? new Uint8Array(0), frame.offset[i] ?? 0, frame.length[i] ?? 0);
      }
      late.push(kept);
      return TxResult.Complete;
    },
    rawTxFlush: (driver) => {
      for (const frame of late.splice(0)) echo.rawTx(driver, frame, -1);
      echo.rawTxFlush?.(driver);
    },
  };
}

function firstRangeOnly(echo: EchoBackend): Partial<Backend> {
  return {
    rawTx: (driver, frame, cookie) => {
      frame.rangeCount = Math.min(frame.rangeCount, 1);
      frame.totalBytes = frame.length[0] ?? 0;
      return echo.rawTx(driver, frame, cookie);
    },
  };
}

function cutsAt1514(echo: EchoBackend): Partial<Backend> {
  return {
    rawTx: (driver, frame, cookie) => {
      const bytes = new Uint8Array(Math.min(frame.totalBytes, 1514));
      readFrame(frame, bytes);
      const short = new Frame();
      short.cookie = cookie;
      short.push(bytes, 0, bytes.length);
      return echo.rawTx(driver, short, cookie);
    },
  };
}

/** Gives each frame to the guest at once, from within `rawTx`: each answer lies deeper on the stack. */
function recursive(): Backend {
  const echo = echoBackend();
  return {
    ...echo,
    rawTx: (driver: EthDriver, frame: Frame) => {
      const room = driver.callbacks.allocateRxBuf(frame.totalBytes);
      if (room === null) return TxResult.Failed;
      driver.callbacks.rxComplete(1, [room], [copyFrame(frame, room)]);
      return TxResult.Complete;
    },
  };
}

class NeedsThis implements Backend {
  readonly echo = echoBackend();
  lowLevelInit = this.echo.lowLevelInit;
  rawHandleIRQ = this.echo.rawHandleIRQ;
  rawPoll = this.echo.rawPoll;
  rawTxFlush = (driver: EthDriver): void => this.echo.rawTxFlush?.(driver);
  getMac = this.echo.getMac;
  printState = this.echo.printState;
  close = this.echo.close;
  rawTx(driver: EthDriver, frame: Frame, cookie: number): TxResult {
    return this.echo.rawTx(driver, frame, cookie);
  }
}

/** Broken backends, each with the tests that have to catch it. */
export const brokenBackends: readonly BrokenBackend[] = [
  {
    does: "drops every third frame",
    make: dropsEveryThird,
    caughtBy: { [carries]: /did not reach the/, [order]: /expected a frame of 62 bytes/ },
  },
  { does: "sends each frame twice", make: change(sendsTwice), caughtBy: { [carries]: /got frame|got number/ } },
  {
    does: "turns batches around",
    make: () =>
      echoBackend((card) => ({
        rxComplete: (count, frames, lengths) => card.rxComplete(count, [...frames].reverse(), [...lengths].reverse()),
      })),
    caughtBy: { [order]: /got number/ },
  },
  {
    does: "completes frames twice",
    make: () =>
      echoBackend((card) => ({
        txComplete: (cookie) => {
          card.txComplete(cookie);
          card.txComplete(cookie);
        },
      })),
    caughtBy: { [enqueued]: /that is not out/, [keeps]: /that is not out/ },
  },
  {
    does: "forgets to complete every third frame",
    make: () => {
      const third = everyThird();
      return echoBackend((card) => ({ txComplete: (cookie) => !third() && card.txComplete(cookie) }));
    },
    caughtBy: { [enqueued]: /never completed/ },
  },
  {
    does: "completes a frame before it answers for it",
    make: change((echo) => ({
      rawTx: (driver, _frame, cookie) => {
        try {
          driver.callbacks.txComplete(cookie);
        } catch {
          return TxResult.Enqueued;
        }
        return echo.rawTx(driver, _frame, cookie);
      },
    })),
    caughtBy: { [carries]: /before rawTx answered/ },
  },
  { does: "reads frames after it gave them back", make: change(readsLate), caughtBy: { [ownership]: /expected/ } },
  {
    does: "writes one byte too many",
    make: () =>
      echoBackend((card) => ({
        rxComplete: (count, frames, lengths) => {
          const [frame] = frames;
          const last = (frame?.rangeCount ?? 0) - 1;
          const end = (frame?.offset[last] ?? 0) + (frame?.length[last] ?? 0);
          const bytes = frame?.bytes[last];
          if (bytes !== undefined) bytes[end] = 0;
          card.rxComplete(count, frames, lengths);
        },
      })),
    caughtBy: { [scattered]: /wrote outside/, [carries]: /wrote outside/ },
  },
  {
    does: "writes into rooms that it gave back",
    make: () =>
      echoBackend((card) => ({
        rxComplete: (count, frames, lengths) => {
          const at = frames[0]?.offset[0] ?? 0;
          const bytes = frames[0]?.bytes[0];
          card.rxComplete(count, frames, lengths);
          if (bytes !== undefined) bytes[at] = 0;
        },
      })),
    caughtBy: { [carries]: /wrote outside/ },
  },
  {
    does: "says that the whole room is filled",
    make: () =>
      echoBackend((card) => ({
        rxComplete: (count, frames) =>
          card.rxComplete(
            count,
            frames,
            frames.map((frame) => frame.totalBytes),
          ),
      })),
    caughtBy: { [carries]: /expected a frame of 60 bytes/ },
  },
  {
    does: "says that more is filled than there is room",
    make: () =>
      echoBackend((card) => ({
        rxComplete: (count, frames, lengths) =>
          card.rxComplete(
            count,
            frames,
            lengths.map((length) => length + 2000),
          ),
      })),
    caughtBy: { [carries]: /in a room of 1600/ },
  },
  {
    does: "gives the same room back twice",
    make: () =>
      echoBackend((card) => ({
        rxComplete: (count, frames, lengths) => {
          card.rxComplete(count, frames, lengths);
          if (count > 0) card.rxComplete(count, frames, lengths);
        },
      })),
    caughtBy: { [carries]: /rxComplete for a frame that is not out/ },
  },
  {
    does: "forgets to wake up",
    make: change(() => ({ rawPoll: () => {} })),
    caughtBy: { [resumes]: /in vain/, [keeps]: /in vain/ },
  },
  {
    does: "throws when there is no room",
    make: change((echo) => ({
      rawTx: (driver, frame, cookie) => {
        const result = echo.rawTx(driver, frame, cookie);
        if (result === TxResult.Enqueued) throw new Error("no room");
        return result;
      },
    })),
    caughtBy: { [keeps]: /no room/ },
  },
  {
    does: "answers something else",
    make: change(() => ({ rawTx: () => 7 as TxResult })),
    caughtBy: { [carries]: /rawTx answered 7/ },
  },
  {
    does: "needs this",
    make: () => new NeedsThis(),
    caughtBy: { "works when its functions are called without this": /undefined/ },
  },
  {
    does: "sends the first range only",
    make: change(firstRangeOnly),
    caughtBy: { [scattered]: /in vain|answered Failed|expected a frame of 1000/ },
  },
  {
    does: "cuts frames at 1514 bytes",
    make: change(cutsAt1514),
    caughtBy: {
      "carries a frame of 1515 bytes, or refuses it where its MTU is smaller": /got 1514 bytes/,
      "carries the longest frames that its MTU allows": /got 1514 bytes/,
    },
  },
  { does: "answers on a growing stack", make: recursive, caughtBy: { [answers]: /call stack/ } },
  {
    does: "waits for ever for room for a long frame",
    make: () => echoBackend((card) => ({ allocateRxBuf: (size) => (size === 1 ? null : card.allocateRxBuf(size)) })),
    caughtBy: { "is not held up for ever by a frame longer than all of the guest's room": /stuck/ },
  },
  {
    does: "drops frames without counting them",
    make: () => ({ ...echoBackend(), dropped: () => 0 }),
    caughtBy: { "delivers or counts every frame of a flood that finds no room": /are missing, 0 are counted/ },
  },
  {
    does: "gives out rooms that a reset emptied",
    make: () =>
      echoBackend((card) => ({
        rxComplete: (count, frames, lengths) =>
          card.rxComplete(
            count,
            frames,
            lengths.map((length) => length || 60),
          ),
      })),
    caughtBy: { [reset]: /60 bytes in a room of 0/ },
  },
  {
    does: "forgets frames that a reset emptied",
    make: () => {
      const lost = new Set<number>();
      const echo = echoBackend((card) => ({ txComplete: (cookie) => !lost.has(cookie) && card.txComplete(cookie) }));
      const frames: Frame[] = [];
      return {
        ...echo,
        rawTx: (driver, frame, cookie) => {
          const result = echo.rawTx(driver, frame, cookie);
          if (result === TxResult.Enqueued) frames.push(frame);
          return result;
        },
        rawPoll: (driver) => {
          for (const frame of frames) if (frame.rangeCount === 0 && frame.cookie >= 0) lost.add(frame.cookie);
          echo.rawPoll(driver);
        },
      };
    },
    caughtBy: { [reset]: /never completed/ },
  },
  {
    does: "keeps frames when it is closed",
    make: change(() => ({ close: async () => {} })),
    caughtBy: {
      [busyClose]: /64 frames were not completed by close/,
      [early]: /8 rooms were not given back/,
      "answers Failed and calls nothing after it was closed": /closed/,
    },
  },
  {
    does: "does not come to an end when it is closed",
    make: change(() => ({ close: () => new Promise(() => {}) })),
    caughtBy: { "may be closed twice, and twice at a time": /close did not come to an end/ },
  },
  {
    does: "throws when it is closed again",
    make: () => {
      const echo = echoBackend();
      let closed = false;
      const close = async (): Promise<void> => {
        if (closed) throw new Error("closed already");
        closed = true;
        await echo.close();
      };
      return { ...echo, close };
    },
    caughtBy: { "may be closed twice, and twice at a time": /closed already/ },
  },
  {
    does: "calls the card from within lowLevelInit",
    make: change((echo) => ({
      lowLevelInit: (driver) => {
        driver.callbacks.allocateRxBuf(60);
        return echo.lowLevelInit(driver);
      },
    })),
    caughtBy: { "describes its link sanely": /from within lowLevelInit/ },
  },
  {
    does: "has a group's address",
    make: change(() => ({ lowLevelInit: () => ({ mac: new Uint8Array(6).fill(255), mtu: 1500 }) })),
    caughtBy: { "describes its link sanely": /names a group/, "getMac answers the link's address": /the link has/ },
  },
  {
    does: "has no MTU",
    make: change((echo) => ({ lowLevelInit: (driver) => ({ ...echo.lowLevelInit(driver), mtu: 0 }) })),
    caughtBy: { "describes its link sanely": /"mtu" is 0/ },
  },
  {
    does: "has nothing to say",
    make: change(() => ({ printState: () => " " })),
    caughtBy: { "describes its state in words": /nothing/ },
  },
  {
    does: "interrupts nobody",
    make: change(() => ({ rawHandleIRQ: () => {} })),
    caughtBy: { "interrupts the guest through the card": /not \[0,1,-1\]/ },
  },
];
