import { MAC_BYTES } from "@vmmkit/ethif";
import {
  VIRTIO_NET_CTRL_MAC,
  VIRTIO_NET_CTRL_MAC_ADDR_SET,
  VIRTIO_NET_CTRL_MAC_TABLE_SET,
  VIRTIO_NET_CTRL_RX,
  VIRTIO_NET_CTRL_RX_ALLMULTI,
  VIRTIO_NET_CTRL_RX_ALLUNI,
  VIRTIO_NET_CTRL_RX_NOBCAST,
  VIRTIO_NET_CTRL_RX_NOMULTI,
  VIRTIO_NET_CTRL_RX_NOUNI,
  VIRTIO_NET_CTRL_RX_PROMISC,
  VIRTIO_NET_CTRL_VLAN,
  VIRTIO_NET_CTRL_VLAN_ADD,
  VIRTIO_NET_CTRL_VLAN_DEL,
  VIRTIO_NET_F_CTRL_MAC_ADDR,
  VIRTIO_NET_F_CTRL_RX,
  VIRTIO_NET_F_CTRL_RX_EXTRA,
  VIRTIO_NET_F_CTRL_VLAN,
} from "@vmmkit/virtio";
import { MAC_TABLE_ENTRIES } from "../filter/mac-table.ts";
import type { ReceiveFilter, ReceiveMode } from "../filter/receive-filter.ts";
import { VLAN_IDS } from "../filter/vlan-table.ts";
import type { ControlCommand } from "./control-command.ts";
import type { ControlData } from "./control-data.ts";

/** Bytes of the count before the addresses of a table. */
const COUNT_BYTES = 4;

/** The commands of the receive filter (VIRTIO 1.2, 5.1.6.5.1 to 5.1.6.5.3). */
export function filterCommands(filter: ReceiveFilter, setMac: (mac: Uint8Array) => void): ControlCommand[] {
  const rx = [VIRTIO_NET_F_CTRL_RX];
  const extra = [VIRTIO_NET_F_CTRL_RX_EXTRA];
  return [
    modeCommand(filter, VIRTIO_NET_CTRL_RX_PROMISC, rx, "promisc"),
    modeCommand(filter, VIRTIO_NET_CTRL_RX_ALLMULTI, rx, "allmulti"),
    modeCommand(filter, VIRTIO_NET_CTRL_RX_ALLUNI, extra, "alluni"),
    modeCommand(filter, VIRTIO_NET_CTRL_RX_NOMULTI, extra, "nomulti"),
    modeCommand(filter, VIRTIO_NET_CTRL_RX_NOUNI, extra, "nouni"),
    modeCommand(filter, VIRTIO_NET_CTRL_RX_NOBCAST, extra, "nobcast"),
    {
      class: VIRTIO_NET_CTRL_MAC,
      command: VIRTIO_NET_CTRL_MAC_TABLE_SET,
      features: rx,
      run: (data) => setTables(filter, data),
    },
    {
      class: VIRTIO_NET_CTRL_MAC,
      command: VIRTIO_NET_CTRL_MAC_ADDR_SET,
      features: [VIRTIO_NET_F_CTRL_MAC_ADDR],
      dataBytes: MAC_BYTES,
      run: (data) => {
        const mac = new Uint8Array(MAC_BYTES);
        data.copy(0, mac);
        // A group's address is nobody's own.
        if (((mac[0] ?? 0) & 1) !== 0) return false;
        setMac(mac);
        return true;
      },
    },
    vlanCommand(filter, VIRTIO_NET_CTRL_VLAN_ADD, true),
    vlanCommand(filter, VIRTIO_NET_CTRL_VLAN_DEL, false),
  ];
}

function modeCommand(
  filter: ReceiveFilter,
  command: number,
  features: readonly number[],
  mode: ReceiveMode,
): ControlCommand {
  return {
    class: VIRTIO_NET_CTRL_RX,
    command,
    features,
    dataBytes: 1,
    run: (data) => {
      const value = data.u8(0);
      if (value > 1) return false;
      filter.modes[mode] = value === 1;
      return true;
    },
  };
}

function vlanCommand(filter: ReceiveFilter, command: number, joined: boolean): ControlCommand {
  return {
    class: VIRTIO_NET_CTRL_VLAN,
    command,
    features: [VIRTIO_NET_F_CTRL_VLAN],
    dataBytes: 2,
    run: (data) => {
      const id = data.u16(0);
      if (id >= VLAN_IDS) return false;
      filter.vlans.set(id, joined);
      return true;
    },
  };
}

/** Both tables, or neither. */
function setTables(filter: ReceiveFilter, data: ControlData): boolean {
  const unicast = data.u32(0);
  const multicastAt = COUNT_BYTES + unicast * MAC_BYTES;
  if (multicastAt + COUNT_BYTES > data.length) return false;
  const multicast = data.u32(multicastAt);
  if (multicastAt + COUNT_BYTES + multicast * MAC_BYTES !== data.length) return false;
  filter.unicast.set(unicast, addresses(data, COUNT_BYTES, unicast));
  filter.multicast.set(multicast, addresses(data, multicastAt + COUNT_BYTES, multicast));
  return true;
}

function addresses(data: ControlData, at: number, entries: number): Uint8Array {
  const bytes = new Uint8Array(Math.min(entries, MAC_TABLE_ENTRIES) * MAC_BYTES);
  data.copy(at, bytes);
  return bytes;
}
