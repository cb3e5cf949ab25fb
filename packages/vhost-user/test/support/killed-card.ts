import { appendFileSync, existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { RawIfaceFuncs } from "@vmmkit/ethif";
import { NetDevice } from "@vmmkit/virtio-net";
import type { DeviceSetup } from "../../src/index.ts";
import { SlowCarrier } from "./slow-carrier.ts";

/** The frame with this number ends the first process that has it, by a signal that leaves it no time. */
export const LAST_BREATH = 7;

/** A card that carries two of each three frames, out of order, and notes their numbers; the second one carries all in the end. */
export default function makeDevice({ vm, hooks, data }: DeviceSetup<{ readonly folder: string }>): NetDevice {
  const slow = new SlowCarrier();
  const mark = join(data.folder, "mark");
  const isSecond = existsSync(mark);
  const carry = (number: number | undefined): void => {
    if (number === undefined) return;
    appendFileSync(join(data.folder, "carried"), `${number}\n`);
    slow.complete(number);
  };
  const funcs: RawIfaceFuncs = {
    ...slow.funcs,
    rawTx: (driver, frame, cookie) => {
      const result = slow.funcs.rawTx(driver, frame, cookie);
      const newest = slow.waiting.at(-1) ?? 0;
      if (newest === LAST_BREATH && !isSecond) {
        writeFileSync(mark, "");
        process.kill(process.pid, "SIGKILL");
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
      }
      if (newest % 3 === 2 && !isSecond) setImmediate(() => [newest, newest - 2].forEach(carry));
      if (newest > LAST_BREATH) setImmediate(() => slow.waiting.forEach(carry));
      return result;
    },
  };
  return new NetDevice(vm, funcs, hooks);
}

/** It serves. */
export const report = (): string => "ready";
