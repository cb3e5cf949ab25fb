import type { EthDriver, RawIfaceFuncs } from "@vmmkit/ethif";
import type { IoPortEntry } from "@vmmkit/ioport";
import type { PciAddress } from "@vmmkit/pci";
import type { VirtioEmul } from "@vmmkit/virtio";
import type { Vm } from "@vmmkit/vm";
import type { VirtioNetCounters } from "./counters.ts";
import type { NetDevice } from "./net-device.ts";
import type { NetDeviceState } from "./state/net-state.ts";

/** What `commonMakeVirtioNet` hands to the card it makes. */
export interface VirtioNetParts {
  readonly vm: Vm;
  readonly device: NetDevice;
  readonly emul: VirtioEmul;
  /** Where its legacy registers are; null for a card without. */
  readonly ports: IoPortEntry | null;
  readonly pciAddress: PciAddress;
  /** Takes the card out of the PCI space and off the port list. */
  readonly remove: () => void;
}

/** A network card in a machine (C original: `virtio_net_t`). Made by `commonMakeVirtioNet`. */
export class VirtioNet {
  /** The virtio device behind the registers. */
  readonly emul: VirtioEmul;
  /** The machine it is in: memory and interrupts (in C the allocators and mappings of `ps_io_ops_t`). */
  readonly ioops: Vm;
  /** Where it is on the PCI bus. */
  readonly pciAddress: PciAddress;
  /** What it counted so far. The object is the card's own and goes on counting. */
  readonly counters: VirtioNetCounters;
  readonly #device: NetDevice;
  readonly #ports: IoPortEntry | null;
  readonly #remove: () => void;
  #closed = false;

  constructor(parts: VirtioNetParts) {
    this.emul = parts.emul;
    this.ioops = parts.vm;
    this.pciAddress = parts.pciAddress;
    this.counters = parts.device.counters;
    this.#device = parts.device;
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
   * Plugs the card into another backend while its guest runs: link down, swap, link up, and the guest announces itself.
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
   * The device as its guest knows it, for `restore` in another process or later. The guest may go on: what a backend
   * had goes back to it first (frames to send as sent, room unused), so that nothing is in two places, and it is
   * interrupted for each queue once. Its memory and the PCI function (command register, BARs, MSI-X) are the VMM's to save.
   */
  save(): NetDeviceState {
    return this.#device.save();
  }

  /**
   * Takes over a guest that another card served: a card with the same options, whose guest memory is there already. The
   * guest announces itself.
   * @param state from `save`, checked whole before anything happens
   * @throws TypeError, RangeError naming what is wrong with it. Where it does not fit this card, the card has been reset
   */
  restore(state: unknown): void {
    this.#device.restore(state);
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
