import { IoPortType, VmmIoPortList, VmmMmioList } from "@vmmkit/ioport";
import { CONFIG_PORT_RANGE, configPorts, type PciAddress, VmmPciSpace } from "@vmmkit/pci";
import { type GuestMemory, type Restoration, restore, SharedInterruptLines, type Vm } from "@vmmkit/vm";
import { ConfigFallback } from "./config-fallback.ts";
import { V86RangeError } from "./errors.ts";
import { guestRam } from "./guest-ram.ts";
import { type V86Cpu, v86ConfigSpace } from "./internals.ts";
import { IsaIrqs } from "./isa-irqs.ts";
import { JitPages } from "./jit-pages.ts";
import type { V86Machine } from "./machine.ts";
import { checkMachineState, machineState, type V86MachineState } from "./machine-state.ts";
import { MemoryOverlay } from "./memory-overlay.ts";
import { PirqRouter, pirqOf } from "./pirq-router.ts";
import { PortOverlay } from "./port-overlay.ts";
import { replaceMethod } from "./replace-method.ts";
import { Slices } from "./slices.ts";

const DEVICES = 32;
const FUNCTIONS = 8;

/** What `attachVmmkit` answers: the hooks in one emulator, tied together. */
export class AttachedMachine implements V86Machine {
  readonly vm: Vm;
  readonly pci: VmmPciSpace;
  readonly ioport: VmmIoPortList;
  readonly mmio: VmmMmioList = new VmmMmioList();
  readonly #cpu: V86Cpu;
  readonly #jit: JitPages;
  readonly #memory: GuestMemory;
  readonly #irqs: IsaIrqs;
  readonly #router: PirqRouter;
  readonly #lines: SharedInterruptLines;
  readonly #slices: Slices;
  readonly #overlay: PortOverlay;
  readonly #memoryOverlay: MemoryOverlay;
  readonly #fallback: ConfigFallback;
  readonly #reserved: readonly number[];
  readonly #resetListeners = new Set<() => void>();
  readonly #onDetach: () => void;
  #undo: (() => void)[];

  /**
   * @param allocAddr where the port list looks for free ranges
   * @param onDetach called once, when everything has been taken out again
   */
  constructor(cpu: V86Cpu, allocAddr: number, onDetach: () => void) {
    this.#cpu = cpu;
    this.#onDetach = onDetach;
    this.#reserved = devicesOf(cpu);
    this.pci = new VmmPciSpace({ hostBridge: null, reservedDevices: this.#reserved });
    this.ioport = new VmmIoPortList(allocAddr);
    this.#jit = new JitPages(cpu, cpu.mem8.length);
    this.#memory = guestRam(cpu, this.#jit);
    this.#irqs = new IsaIrqs(cpu);
    this.#router = new PirqRouter(cpu, this.#irqs);
    this.#lines = new SharedInterruptLines(this.#router);
    this.#overlay = new PortOverlay(cpu.io, this.#jit);
    this.#memoryOverlay = new MemoryOverlay(cpu, this.mmio, this.#jit);
    this.#slices = new Slices(cpu, this.#jit, () => this.#router.refresh());
    this.vm = this.#newVm(this.#lines.source());
    this.#undo = [
      this.#hookReset(),
      this.#followPorts(),
      this.#followMemory(),
      () => this.#slices.detach(),
      () => this.#irqs.detach(),
    ];
    this.#fallback = this.#takeConfigPorts();
  }

  vmFor(address: PciAddress, pin: number): Vm {
    const line = this.lineOf(address, pin);
    const source = this.#lines.source();
    return this.#newVm({ setLine: (_, level) => source.setLine(line, level) });
  }

  lineOf(address: PciAddress, pin: number): number {
    const { bus, dev } = address;
    if (bus !== 0 || !Number.isInteger(dev) || dev < 0 || dev >= DEVICES) {
      throw new V86RangeError(`"address" expected a device from 0 to 31 on bus 0, got ${dev} on bus ${bus}`);
    }
    if (!Number.isInteger(pin) || pin < 1 || pin > 4) {
      throw new V86RangeError(`"pin" expected 1 to 4 for INTA# to INTD#, got ${pin}`);
    }
    return pirqOf(dev, pin);
  }

  irqOf(line: number): number {
    return this.#router.irqOf(line);
  }

  freeAddress(): PciAddress {
    for (let dev = 0; dev < DEVICES; dev++) {
      if (!this.#reserved.includes(dev) && !this.#hasFunction(dev)) return { bus: 0, dev, fun: 0 };
    }
    throw new V86RangeError("no slot of PCI bus 0 is free");
  }

  onSlice(listener: () => void): () => void {
    return this.#slices.onSlice(listener);
  }

  onReset(listener: () => void): () => void {
    const own = (): void => listener();
    this.#resetListeners.add(own);
    return () => this.#resetListeners.delete(own);
  }

  save(): V86MachineState {
    return machineState(this.#cpu.mem8.length, this.pci.save(), this.#irqs.save());
  }

  prepare(state: unknown): Restoration {
    const saved = checkMachineState(state, this.#cpu.mem8.length);
    const pci = this.pci.prepare(saved.pci);
    return {
      apply: () => {
        // v86 has just moved the ports of its own devices to where they were.
        this.#overlay.reassert();
        this.#irqs.setTheirs(saved.irqs.theirs);
        pci.apply();
        this.#fallback.address = this.pci.configAddress;
      },
      resume: () => {
        pci.resume();
        this.#router.reroute();
        this.#irqs.lowerAbandoned(saved.irqs.ours);
      },
    };
  }

  restore(state: unknown): void {
    restore(this, state);
  }

  detach(): void {
    const undo = this.#undo;
    if (undo.length === 0) return;
    this.#undo = [];
    for (const step of undo) step();
    this.#jit.flush();
    this.#onDetach();
  }

  #newVm(interrupts: Vm["interrupts"]): Vm {
    return {
      memory: this.#memory,
      interrupts,
      defer: (task) => this.#slices.defer(task),
      onSlice: (task) => this.#slices.onSlice(task),
    };
  }

  #hasFunction(dev: number): boolean {
    for (let fun = 0; fun < FUNCTIONS; fun++) if (this.pci.findDevice({ bus: 0, dev, fun }) !== null) return true;
    return false;
  }

  /** v86's port table follows the list: as the guest moves a BAR, so do the entries. */
  #followPorts(): () => void {
    const stop = this.ioport.onChange(({ kind, start, end, entry }) => {
      if (kind === "mapped") this.#overlay.install(start, end, entry.iface);
      else this.#overlay.remove(start, end);
    });
    return () => {
      stop();
      this.#overlay.removeAll();
    };
  }

  /** And v86's memory map follows the list of memory-mapped ranges. */
  #followMemory(): () => void {
    const stop = this.mmio.onChange(({ kind, start, end }) => {
      if (kind === "mapped") this.#memoryOverlay.install(start, end);
      else this.#memoryOverlay.remove(start, end);
    });
    return () => {
      stop();
      this.#memoryOverlay.removeAll();
    };
  }

  #takeConfigPorts(): ConfigFallback {
    const fallback = new ConfigFallback(this.#cpu, this.#overlay, () => {
      this.#overlay.reassert();
      this.#router.reroute();
    });
    this.ioport.addHandler(CONFIG_PORT_RANGE, configPorts(this.pci, { fallback }), IoPortType.Addr);
    return fallback;
  }

  /**
   * v86 resets its processor and a few of its devices and leaves PCI as it is. Ours are reset as the bus would do
   * it, ahead of the processor, so that no interrupt of theirs meets the firmware.
   */
  #hookReset(): () => void {
    const cpu = this.#cpu;
    const reboot = cpu.reboot_internal;
    return replaceMethod(cpu, "reboot_internal", () => {
      // Detached, with another hook on top of this one: only the original is left to call.
      if (this.#undo.length > 0) {
        this.pci.reset();
        for (const listener of this.#resetListeners) listener();
      }
      reboot.call(cpu);
    });
  }
}

/** Device numbers on which v86 has functions. */
function devicesOf(cpu: V86Cpu): number[] {
  const devices: number[] = [];
  for (let dev = 0; dev < DEVICES; dev++) {
    for (let fun = 0; fun < FUNCTIONS; fun++) {
      if (v86ConfigSpace(cpu, dev * FUNCTIONS + fun) === undefined) continue;
      devices.push(dev);
      break;
    }
  }
  return devices;
}
