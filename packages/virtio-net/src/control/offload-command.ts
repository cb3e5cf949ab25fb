import {
  VIRTIO_NET_CTRL_GUEST_OFFLOADS,
  VIRTIO_NET_CTRL_GUEST_OFFLOADS_SET,
  VIRTIO_NET_F_CTRL_GUEST_OFFLOADS,
  VIRTIO_NET_F_GUEST_CSUM,
  VIRTIO_NET_F_GUEST_ECN,
  VIRTIO_NET_F_GUEST_TSO4,
  VIRTIO_NET_F_GUEST_TSO6,
  VIRTIO_NET_F_GUEST_UFO,
  VIRTIO_NET_F_GUEST_USO4,
  VIRTIO_NET_F_GUEST_USO6,
} from "@vmmkit/virtio";
import { type FeatureBits, hasBit } from "../feature-dependencies.ts";
import type { ControlCommand } from "./control-command.ts";

const GUEST_OFFLOADS: readonly number[] = [
  VIRTIO_NET_F_GUEST_CSUM,
  VIRTIO_NET_F_GUEST_TSO4,
  VIRTIO_NET_F_GUEST_TSO6,
  VIRTIO_NET_F_GUEST_ECN,
  VIRTIO_NET_F_GUEST_UFO,
  VIRTIO_NET_F_GUEST_USO4,
  VIRTIO_NET_F_GUEST_USO6,
];

/**
 * Sets the offloads of the driver (VIRTIO 1.2, 5.1.6.5.8): any of those that it negotiated, and no other bit.
 * @param negotiated the features that both sides have
 * @param set puts the offloads into force, given as feature bits
 */
export function offloadCommand(negotiated: () => FeatureBits, set: (offloads: FeatureBits) => void): ControlCommand {
  return {
    class: VIRTIO_NET_CTRL_GUEST_OFFLOADS,
    command: VIRTIO_NET_CTRL_GUEST_OFFLOADS_SET,
    features: [VIRTIO_NET_F_CTRL_GUEST_OFFLOADS],
    dataBytes: 8,
    run: (data) => {
      const wanted = { low: data.u32(0), high: data.u32(4) };
      const allowed = negotiated();
      for (let bit = 0; bit < 64; bit++) {
        if (hasBit(wanted, bit) && !(GUEST_OFFLOADS.includes(bit) && hasBit(allowed, bit))) return false;
      }
      set(wanted);
      return true;
    },
  };
}
