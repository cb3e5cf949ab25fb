import { IoPortType, VmmIoPortList, VmmMmioList } from "@vmmkit/ioport";
import { CONFIG_PORT_RANGE, configPorts, VmmPciSpace } from "@vmmkit/pci";
import { GuestMemory, type RegionBytes, type Vm } from "@vmmkit/vm";
import { InterruptStormError } from "./errors.ts";
import type { GuestBus } from "./guest-ports.ts";
import { GuestRam } from "./guest-ram.ts";
import { RecordedInterrupts } from "./recorded-interrupts.ts";

const DEFAULT_MEMORY_BYTES = 16 << 20;
/** More handler calls than this in one `settle` and a line is thought to be stuck. */
const MOST_HANDLER_CALLS = 10_000;

/** What kind of machine it is. */
export interface GuestMachineOptions {
  /** Bytes of RAM, a multiple of 4096. Default: all of `buffer`, or 16 MiB. */
  readonly memoryBytes?: number;
  /** The RAM's bytes: an ArrayBuffer, a SharedArrayBuffer, WebAssembly memory's buffer. Default: a new ArrayBuffer. */
  readonly buffer?: ArrayBufferLike;
  /** Where the bytes are after `buffer` was replaced. */
  readonly renew?: () => RegionBytes;
  /** Guest physical address of the RAM. Default 0. */
  readonly gpa?: number;
  /** Whether the `Vm` has `defer`: tasks then run in `settle`. Default false. */
  readonly defer?: boolean;
  /** Whether the `Vm` has `defer` and `onSlice`: `endSlice` ends one. Default false. */
  readonly slices?: boolean;
}

/**
 * A machine to put a card into: memory, I/O ports, a PCI space behind its configuration ports, and an interrupt
 * controller that remembers everything.
 *
 * ```ts
 * import { GuestMachine, GuestNetDriver } from "@vmmkit/guest-driver";
 * import { IoPortType } from "@vmmkit/ioport";
 * import { commonMakeVirtioNet, virtioNetDefaultBackend } from "@vmmkit/virtio-net";
 *
 * const { vm, pci, ioport, ports, ram } = new GuestMachine();
 * const range = { start: 0, end: 0, size: 32 };
 * commonMakeVirtioNet(vm, pci, ioport, range, IoPortType.Free, 1, 11, virtioNetDefaultBackend());
 * GuestNetDriver.probe(ports, ram).start();
 * ```
 */
export class GuestMachine {
  /** What a card is made with. */
  readonly vm: Vm;
  /** The guest's view of the memory. */
  readonly ram: GuestRam;
  /** What devices did with their interrupts. */
  readonly interrupts: RecordedInterrupts = new RecordedInterrupts();
  /** The I/O ports. */
  readonly ioport: VmmIoPortList = new VmmIoPortList();
  /** The addresses behind memory BARs. */
  readonly mmio: VmmMmioList = new VmmMmioList();
  /** The PCI functions, with a host bridge. */
  readonly pci: VmmPciSpace = new VmmPciSpace();
  /** The guest's `in` and `out`, loads and stores. */
  readonly ports: GuestBus;
  readonly #handlers = new Map<number, (() => void)[]>();
  readonly #messageHandlers = new Map<number, () => void>();
  #messagesSeen = 0;
  readonly #deferred: (() => void)[] = [];
  readonly #sliceTasks = new Set<() => void>();

  constructor(options: GuestMachineOptions = {}) {
    const buffer = options.buffer ?? new ArrayBuffer(options.memoryBytes ?? DEFAULT_MEMORY_BYTES);
    const size = options.memoryBytes ?? buffer.byteLength;
    const renew = options.renew === undefined ? {} : { renew: options.renew };
    const memory = new GuestMemory([{ gpa: options.gpa ?? 0, size, buffer, ...renew }]);
    this.ram = new GuestRam(memory);
    const { slices = false, defer = slices } = options;
    this.vm = {
      memory,
      interrupts: this.interrupts,
      ...(defer ? { defer: (task: () => void) => void this.#deferred.push(task) } : {}),
      ...(slices ? { onSlice: (task: () => void) => this.#onSlice(task) } : {}),
    };
    const { ioport } = this;
    ioport.addHandler(CONFIG_PORT_RANGE, configPorts(this.pci), IoPortType.Addr);
    this.ports = {
      in: (port, size) => ioport.emulateIn(port, size),
      out: (port, size, value) => ioport.emulateOut(port, size, value),
      load: (gpa, size) => this.mmio.emulateRead(gpa, size),
      store: (gpa, size, value) => this.mmio.emulateWrite(gpa, size, value),
    };
  }

  /** Calls `handler` from `settle` while `line` is high. A line can have several handlers. */
  onLine(line: number, handler: () => void): void {
    const handlers = this.#handlers.get(line);
    if (handlers === undefined) this.#handlers.set(line, [handler]);
    else handlers.push(handler);
  }

  /** Calls `handler` from `settle` for each message (MSI-X) that carries `data`. */
  onMessage(data: number, handler: () => void): void {
    this.#messageHandlers.set(data, handler);
  }

  /**
   * Lets the guest's CPU come to rest: deferred tasks and interrupt handlers run until there is nothing to do. The
   * handlers never run inside an access of the guest, as they never do on a real CPU.
   * @returns how many handlers ran
   * @throws InterruptStormError where a line stays high however often its handlers run
   */
  settle(): number {
    let calls = 0;
    for (let busy = true; busy; ) {
      busy = this.#runDeferred();
      const messages = this.#runMessages();
      if (messages > 0) busy = true;
      calls += messages;
      if (calls > MOST_HANDLER_CALLS) throw new InterruptStormError(`${calls} messages and no end`);
      for (const [line, handlers] of this.#handlers) {
        if (!this.interrupts.level(line)) continue;
        for (const handler of handlers) handler();
        calls += handlers.length;
        if (calls > MOST_HANDLER_CALLS) throw new InterruptStormError(`line ${line} is high after ${calls} calls`);
        busy = true;
      }
    }
    return calls;
  }

  /** The guest has run for a while, and stops: what is deferred runs, then what was told of slices. No handler does. */
  endSlice(): void {
    this.#runDeferred();
    for (const task of this.#sliceTasks) task();
    this.#runDeferred();
  }

  #onSlice(task: () => void): () => void {
    this.#sliceTasks.add(task);
    return () => void this.#sliceTasks.delete(task);
  }

  #runMessages(): number {
    const { messages } = this.interrupts;
    const fresh = messages.slice(this.#messagesSeen);
    this.#messagesSeen = messages.length;
    for (const { data } of fresh) this.#messageHandlers.get(data)?.();
    return fresh.length;
  }

  #runDeferred(): boolean {
    if (this.#deferred.length === 0) return false;
    for (const task of this.#deferred.splice(0)) task();
    return true;
  }
}
