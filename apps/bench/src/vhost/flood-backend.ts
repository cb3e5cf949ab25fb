import { allocateRxBufs, type EthDriver, type Frame, type RawIfaceFuncs, writeFrame } from "@vmmkit/ethif";
import { virtioNetDefaultBackend } from "@vmmkit/virtio-net";

/** Frames that are given to the guest together at most. */
const BATCH = 64;
/** And before the event loop has its turn. */
const BATCHES_PER_TURN = 16;

/** A backend that fills all the room that a guest has with copies of one frame. */
export function floodBackend(frame: Uint8Array): RawIfaceFuncs {
  const rooms: Frame[] = [];
  const lengths = new Array<number>(BATCH).fill(frame.length);
  let scheduled = false;
  const pump = (driver: EthDriver): void => {
    const { callbacks } = driver;
    for (let batch = 0; batch < BATCHES_PER_TURN; batch++) {
      const count = allocateRxBufs(callbacks, BATCH, rooms, lengths);
      // In a loop of its own: what is written lies in the cache of the driver's processor, and many lines come at once.
      for (let i = 0; i < count; i++) writeFrame(rooms[i] as Frame, frame);
      if (count > 0) callbacks.rxComplete(count, rooms, lengths);
      // There will be a call when there is room again.
      if (count < BATCH) return;
    }
    if (scheduled) return;
    scheduled = true;
    setImmediate(() => {
      scheduled = false;
      pump(driver);
    });
  };
  return {
    ...virtioNetDefaultBackend(),
    lowLevelInit: (driver) => {
      setImmediate(() => pump(driver));
      return { mac: Uint8Array.of(2, 0, 0, 0, 0, 1), mtu: 1500 };
    },
    rawPoll: pump,
  };
}
