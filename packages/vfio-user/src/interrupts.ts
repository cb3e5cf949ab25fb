import { type Fd, isEventFd, type Poller } from "@vmmkit/posix";
import type { InterruptController } from "@vmmkit/vm";
import { CommandError } from "./errors.ts";
import { IntxInterrupt } from "./intx-interrupt.ts";
import { MsixInterrupts } from "./msix-interrupts.ts";
import * as spec from "./spec.ts";
import { needBytes } from "./u64.ts";

const IRQ_INFO_BYTES = 16;
const IRQ_SET_BYTES = 20;
const DATA_MASK = spec.IRQ_DATA_NONE | spec.IRQ_DATA_BOOL | spec.IRQ_DATA_EVENTFD;
const ACTION_MASK = spec.IRQ_ACTION_MASK | spec.IRQ_ACTION_UNMASK | spec.IRQ_ACTION_TRIGGER;

/** A `DEVICE_SET_IRQS`, checked. */
interface IrqSet {
  readonly index: number;
  readonly data: number;
  readonly action: number;
  readonly start: number;
  readonly count: number;
  /** Per interrupt of `DATA_BOOL` whether it is meant; all are otherwise. */
  readonly wanted: (i: number) => boolean;
}

/** The interrupts of a function: what its device raises, and where the client wants to hear of it. */
export class Interrupts {
  /** For the device. */
  readonly controller: InterruptController;
  readonly #intx: IntxInterrupt;
  #msix = new MsixInterrupts(0);
  #hasPin = false;

  constructor(poller: Poller) {
    const intx = new IntxInterrupt(poller);
    this.#intx = intx;
    this.controller = {
      setLine: (_line, level) => intx.setLevel(level),
      signalVector: (vector) => this.#msix.signal(vector),
    };
  }

  /** What the function turned out to have. */
  setSources(hasPin: boolean, msixVectors: number): void {
    this.#hasPin = hasPin;
    this.#msix = new MsixInterrupts(msixVectors);
  }

  /** `DEVICE_GET_IRQ_INFO`. @throws CommandError */
  info(body: DataView): Uint8Array {
    needBytes(body, IRQ_INFO_BYTES);
    const index = body.getUint32(8, true);
    if (index >= spec.IRQ_COUNT) throw new CommandError(spec.EINVAL, `there are no interrupts ${index}`);
    const count = this.#count(index);
    const intxFlags = spec.IRQ_EVENTFD | spec.IRQ_MASKABLE | spec.IRQ_AUTOMASKED;
    const flags = index === spec.IRQ_INTX ? intxFlags : spec.IRQ_EVENTFD;
    const answer = Uint32Array.of(IRQ_INFO_BYTES, count === 0 ? 0 : flags, index, count);
    return new Uint8Array(answer.buffer);
  }

  /**
   * `DEVICE_SET_IRQS`.
   * @param fds came with it; those that are kept are taken out
   * @throws CommandError
   */
  set(body: DataView, fds: Fd[]): void {
    const set = this.#read(body);
    if (set.data === spec.IRQ_DATA_EVENTFD) this.#setEventFds(set, fds);
    else if (set.data === spec.IRQ_DATA_NONE && set.count === 0) this.#disable(set);
    else this.#act(set);
  }

  /** The device was reset. */
  reset(): void {
    this.#msix.forget();
  }

  /** The client is gone: lets go of all descriptors. */
  clear(): void {
    this.#intx.clear();
    this.#msix.clear();
  }

  #count(index: number): number {
    if (index === spec.IRQ_INTX) return this.#hasPin ? 1 : 0;
    return index === spec.IRQ_MSIX ? this.#msix.count : 0;
  }

  #read(body: DataView): IrqSet {
    needBytes(body, IRQ_SET_BYTES);
    const flags = body.getUint32(4, true);
    const [index, start, count] = [body.getUint32(8, true), body.getUint32(12, true), body.getUint32(16, true)];
    const [data, action] = [flags & DATA_MASK, flags & ACTION_MASK];
    if (!isOneBit(data) || !isOneBit(action) || (flags & ~(DATA_MASK | ACTION_MASK)) !== 0) {
      throw new CommandError(spec.EINVAL, `flags 0x${flags.toString(16)} of interrupts`);
    }
    if (index >= spec.IRQ_COUNT || start + count > this.#count(index)) {
      throw new CommandError(spec.EINVAL, `there are no interrupts ${start} to ${start + count - 1} of kind ${index}`);
    }
    if (index !== spec.IRQ_INTX && action !== spec.IRQ_ACTION_TRIGGER) {
      throw new CommandError(spec.EOPNOTSUPP, "messages are masked in their table");
    }
    if (data === spec.IRQ_DATA_BOOL) needBytes(body, IRQ_SET_BYTES + count);
    const wanted = (i: number): boolean => data !== spec.IRQ_DATA_BOOL || body.getUint8(IRQ_SET_BYTES + i) !== 0;
    return { index, data, action, start, count, wanted };
  }

  /** All of the descriptors, or none, which takes those away that there were. */
  #setEventFds({ index, action, start, count }: IrqSet, fds: Fd[]): void {
    if (fds.length !== 0 && fds.length !== count) {
      throw new CommandError(spec.EINVAL, `${fds.length} descriptors for ${count} interrupts`);
    }
    if (!fds.every(isEventFd)) throw new CommandError(spec.EINVAL, "a descriptor that is no eventfd");
    for (const fd of fds) fd.setNonBlocking(true);
    for (let i = 0; i < count; i++) {
      const fd = fds.shift() ?? null;
      if (index === spec.IRQ_MSIX) this.#msix.setTrigger(start + i, fd);
      else if (action === spec.IRQ_ACTION_TRIGGER) this.#intx.setTrigger(fd);
      else if (action === spec.IRQ_ACTION_UNMASK) this.#intx.setUnmask(fd);
      // Of masking nobody is told: the device does not mask by itself.
      else fd?.close();
    }
  }

  #disable({ index, action }: IrqSet): void {
    if (action !== spec.IRQ_ACTION_TRIGGER) throw new CommandError(spec.EINVAL, "nothing to mask");
    if (index === spec.IRQ_INTX) this.#intx.clear();
    else if (index === spec.IRQ_MSIX) this.#msix.clear();
  }

  #act({ index, action, start, count, wanted }: IrqSet): void {
    for (let i = 0; i < count; i++) {
      if (!wanted(i)) continue;
      if (index === spec.IRQ_MSIX) this.#msix.signal(start + i);
      else if (action === spec.IRQ_ACTION_TRIGGER) this.#intx.signal();
      else if (action === spec.IRQ_ACTION_UNMASK) this.#intx.unmask();
      else this.#intx.mask();
    }
  }
}

function isOneBit(value: number): boolean {
  return value !== 0 && (value & (value - 1)) === 0;
}
