import type { FrameHead } from "../frame-head.ts";
import type { FilterCounters } from "./filter-counters.ts";
import { MacTable, sameMac } from "./mac-table.ts";
import { VlanTable } from "./vlan-table.ts";

/** The modes of VIRTIO_NET_CTRL_RX, in the order of its commands. */
export interface ReceiveModes {
  promisc: boolean;
  allmulti: boolean;
  alluni: boolean;
  nomulti: boolean;
  nouni: boolean;
  nobcast: boolean;
}

/** Name of a mode. */
export type ReceiveMode = keyof ReceiveModes;

const ETHERTYPE_AT = 12;
const VLAN_TCI_AT = 14;
const TAGGED_BYTES = 16;
const ETHERTYPE_VLAN = 0x8100;
const ETHERTYPE_SERVICE_VLAN = 0x88a8;
const VLAN_ID_MASK = 0xfff;

/**
 * Which received frames the guest wants (VIRTIO 1.2, 5.1.6.5.1 to 5.1.6.5.3).
 *
 * A driver that did not negotiate CTRL_RX has no way to ask for a group or for promiscuous mode, so it gets every frame.
 * One that did starts with its own address and broadcasts alone: all modes are off and both tables empty after a
 * reset. VLANs are filtered with CTRL_VLAN, none being joined at first; frames without a tag, and those whose tag
 * names no VLAN (id 0), pass. Promiscuous mode goes before everything.
 */
export class ReceiveFilter {
  readonly modes: ReceiveModes = allOff();
  readonly unicast: MacTable = new MacTable();
  readonly multicast: MacTable = new MacTable();
  readonly vlans: VlanTable = new VlanTable();
  /** The card's address, six bytes: the configuration's. */
  readonly #mac: Uint8Array;
  readonly #counters: FilterCounters;
  #byAddress = false;
  #byVlan = false;

  /** @param mac where the card's address is now and later */
  constructor(mac: Uint8Array, counters: FilterCounters) {
    this.#mac = mac;
    this.#counters = counters;
  }

  /** Whether any frame may be refused. */
  get active(): boolean {
    return (this.#byAddress || this.#byVlan) && !this.modes.promisc;
  }

  /** A driver is ready. @param byAddress with CTRL_RX; @param byVlan with CTRL_VLAN */
  start(byAddress: boolean, byVlan: boolean): void {
    this.#byAddress = byAddress;
    this.#byVlan = byVlan;
  }

  /** The guest reset the device. */
  reset(): void {
    this.start(false, false);
    Object.assign(this.modes, allOff());
    this.unicast.clear();
    this.multicast.clear();
    this.vlans.clear();
  }

  /** Whether the guest wants a frame; one that it does not want is counted. */
  accepts(head: FrameHead): boolean {
    if (this.modes.promisc) return true;
    if (this.#byVlan && !this.#acceptsVlan(head)) {
      this.#counters.vlan++;
      return false;
    }
    return !this.#byAddress || this.#acceptsAddress(head.bytes, head.at);
  }

  #acceptsVlan({ bytes, at, end }: FrameHead): boolean {
    const type = ((bytes[at + ETHERTYPE_AT] ?? 0) << 8) | (bytes[at + ETHERTYPE_AT + 1] ?? 0);
    if (type !== ETHERTYPE_VLAN && type !== ETHERTYPE_SERVICE_VLAN) return true;
    if (end - at < TAGGED_BYTES) return false;
    const id = (((bytes[at + VLAN_TCI_AT] ?? 0) << 8) | (bytes[at + VLAN_TCI_AT + 1] ?? 0)) & VLAN_ID_MASK;
    return id === 0 || this.vlans.has(id);
  }

  #acceptsAddress(bytes: Uint8Array, at: number): boolean {
    const { modes } = this;
    const counters = this.#counters;
    if (((bytes[at] ?? 0) & 1) === 0) {
      const wanted = !modes.nouni && (modes.alluni || sameMac(this.#mac, 0, bytes, at) || this.unicast.has(bytes, at));
      if (!wanted) counters.unicast++;
      return wanted;
    }
    if (isBroadcast(bytes, at)) {
      if (modes.nobcast) counters.broadcast++;
      return !modes.nobcast;
    }
    const wanted = !modes.nomulti && (modes.allmulti || this.multicast.has(bytes, at));
    if (!wanted) counters.multicast++;
    return wanted;
  }
}

function allOff(): ReceiveModes {
  return { promisc: false, allmulti: false, alluni: false, nomulti: false, nouni: false, nobcast: false };
}

function isBroadcast(bytes: Uint8Array, at: number): boolean {
  for (let i = 0; i < 6; i++) if (bytes[at + i] !== 0xff) return false;
  return true;
}
