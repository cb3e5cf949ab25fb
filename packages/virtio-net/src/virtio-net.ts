import type { EthDriver, RawIfaceFuncs } from "@vmmkit/ethif";
import type { IoPortEntry } from "@vmmkit/ioport";
import type { PciAddress } from "@vmmkit/pci";
import type { VirtioEmul, VirtioPciFunction, VirtioPciState } from "@vmmkit/virtio";
import { type Restoration, restore, type Saveable, type Vm } from "@vmmkit/vm";
import type { VirtioNetCounters } from "./counters.ts";
import type { NetDevice } from "./net-device.ts";

/** What `commonMakeVirtioNet` hands to the card it makes. */
export interface VirtioNetParts {
  readonly vm: Vm;
  readonly device: NetDevice;
  readonly emul: VirtioEmul;
  readonly function: VirtioPciFunction;
  /** Where its legacy registers are; null for a card without. */
  readonly ports: IoPortEntry | null;
  readonly pciAddress: PciAddress;
  /** Takes the card out of the PCI space and off the port list. */
  readonly remove: () => void;
}

/** A network card in a machine (C original: `virtio_net_t`). Made by `commonMakeVirtioNet`. */
export class VirtioNet implements Saveable {
  /** The virtio device behind the registers. */
  readonly emul: VirtioEmul;
  /** The machine it is in: memory and interrupts (in C the allocators and mappings of `ps_io_ops_t`). */
  readonly ioops: Vm;
  /** Where it is on the PCI bus. */
  readonly pciAddress: PciAddress;
  /** What it counted so far. The object is the card's own and goes on counting. */
  readonly counters: VirtioNetCounters;
  readonly #device: NetDevice;
  readonly #function: VirtioPciFunction;
  readonly #ports: IoPortEntry | null;
  readonly #remove: () => void;
  #closed = false;

  constructor(parts: VirtioNetParts) {
    this.emul = parts.emul;
    this.ioops = parts.vm;
    this.pciAddress = parts.pciAddress;
    this.counters = parts.device.counters;
    this.#device = parts.device;
    this.#function = parts.function;
    this.#ports = parts.ports;
    this.#remove = parts.remove;
  }

  /** The card as its backend knows it. */
  get emulDriver(): EthDriver {
    return this.#device.driver;
  }

  /** What carries its frames now. */
  get emulDriverFuncs(): RawIfaceFuncs {
    return this.#device.funcs;
  }

  /** First port of the card's legacy registers: where the guest moved them last. 0 for a card without. */
  get iobase(): number {
    return this.#ports?.range.start ?? 0;
  }

  /** The address that the card has now, a copy: the backend's, unless the guest changed it. */
  get mac(): Uint8Array {
    return this.#device.mac;
  }

  /** Whether the guest's driver is up and has not reset the card since. */
  get running(): boolean {
    return this.emul.state.running;
  }

  /** Whether the link is up. */
  get linkUp(): boolean {
    return this.#device.linkUp;
  }

  /**
   * Plugs the cable in or out. The guest is told if it negotiated STATUS; frames of both directions are dropped and
   * counted while the link is down.
   */
  setLink(up: boolean): void {
    this.#device.setLink(up);
  }

  /** Queue pairs that the guest uses now: 1 until it asks for more. */
  get queuePairs(): number {
    return this.#device.queuePairs;
  }

  /**
   * Asks the guest to tell the network where it is (VIRTIO 1.2, 5.1.6.5.4), as after a move to another host.
   * @returns false where nobody can be asked: no driver is up, or it has not negotiated GUEST_ANNOUNCE and STATUS
   */
  announce(): boolean {
    return this.#device.announce();
  }

  /**
   * Plugs the card into another backend while its guest runs: link down, swap, link up, and the guest announces itself
   * (three times, as one may get lost). All of it in one turn: `setLink(false)` before lets a guest see the gap.
   * Frames that the old backend still has are taken back, their chains go to the guest, and whatever it does with them
   * or calls on the card from then on has no effect; it is the caller's to close. The guest keeps its address and
   * what it negotiated.
   * @throws TypeError for a backend that lacks a function
   * @throws RangeError where the backend cannot do what the guest was promised: a smaller MTU, or fewer queue pairs
   * than the card has and more than one. The old backend stays
   */
  setBackend(backend: RawIfaceFuncs): void {
    if (this.#closed) throw new Error("the card is closed");
    this.#device.setBackend(backend);
  }

  /**
   * The whole card as its guest knows it, for `restore` in another process or later: PCI function, registers, queues, and
   * what the control queue set. To be carried together with guest memory, as it is at this moment. The card goes on as
   * if nothing had happened. `VmmPciSpace.save` has it, too, with all other functions.
   */
  save(): VirtioPciState {
    return this.#function.save();
  }

  /** See `Saveable.prepare`: for who restores a machine of many parts. */
  prepare(state: unknown): Restoration {
    return this.#function.prepare(state);
  }

  /**
   * Takes over a guest that another card served: a card with the same options, whose guest memory is there already.
   * Frames that the other card's backend had are not sent again, and count as sent; room for frames that it had is room
   * again. The guest is interrupted once for each queue, and asked to announce itself, three times as one may get lost.
   * @param state from `save`, checked whole before anything happens
   * @throws TypeError, RangeError naming what is wrong with it. Then nothing has changed
   */
  restore(state: unknown): void {
    restore(this, state);
  }

  /** Sends what waits in the transmit queue and lets the backend look for work, for VMMs that poll. Nothing once closed. */
  poll(): void {
    if (!this.#closed) this.#device.poll();
  }

  /** Resets the device as its guest would by writing 0 to the status register. PCI registers stay. */
  reset(): void {
    this.emul.reset();
  }

  /** Takes the card out of the machine. A second call does nothing. The backend is the caller's to close. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#device.close();
    this.#remove();
  }
}
