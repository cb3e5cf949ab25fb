import {
  VIRTIO_NET_CTRL_NOTF_COAL,
  VIRTIO_NET_CTRL_NOTF_COAL_RX_SET,
  VIRTIO_NET_CTRL_NOTF_COAL_TX_SET,
  VIRTIO_NET_CTRL_NOTF_COAL_VQ_GET,
  VIRTIO_NET_CTRL_NOTF_COAL_VQ_SET,
  VIRTIO_NET_F_NOTF_COAL,
  VIRTIO_NET_F_VQ_NOTF_COAL,
} from "@vmmkit/virtio";
import type { Coalescing, CoalescingParameters } from "../coalescing.ts";
import type { ControlCommand } from "./control-command.ts";
import type { ControlData } from "./control-data.ts";

/** Bytes of `max_packets` and `max_usecs`. */
const PARAMETER_BYTES = 8;
/** Bytes of `vq_index` and `reserved`. */
const QUEUE_BYTES = 4;

/**
 * The commands of coalescing (VIRTIO 1.3, 5.1.6.5.9).
 * @param enabled whether a number is that of a receive or transmit queue in use
 */
export function coalescingCommands(coalescing: Coalescing, enabled: (queue: number) => boolean): ControlCommand[] {
  const all = (command: number, parity: number): ControlCommand => ({
    class: VIRTIO_NET_CTRL_NOTF_COAL,
    command,
    features: [VIRTIO_NET_F_NOTF_COAL],
    dataBytes: PARAMETER_BYTES,
    run: (data) => coalescing.setDirection(parity, parameters(data, 0)),
  });
  return [
    all(VIRTIO_NET_CTRL_NOTF_COAL_TX_SET, 1),
    all(VIRTIO_NET_CTRL_NOTF_COAL_RX_SET, 0),
    {
      class: VIRTIO_NET_CTRL_NOTF_COAL,
      command: VIRTIO_NET_CTRL_NOTF_COAL_VQ_SET,
      features: [VIRTIO_NET_F_VQ_NOTF_COAL],
      dataBytes: QUEUE_BYTES + PARAMETER_BYTES,
      run: (data) => {
        const queue = data.u16(0);
        return enabled(queue) && coalescing.setQueue(queue, parameters(data, QUEUE_BYTES));
      },
    },
    {
      class: VIRTIO_NET_CTRL_NOTF_COAL,
      command: VIRTIO_NET_CTRL_NOTF_COAL_VQ_GET,
      features: [VIRTIO_NET_F_VQ_NOTF_COAL],
      dataBytes: QUEUE_BYTES,
      answerBytes: PARAMETER_BYTES,
      run: (data, answer) => {
        const queue = data.u16(0);
        if (!enabled(queue)) return false;
        const { maxPackets, maxUsecs } = coalescing.get(queue);
        const view = new DataView(answer.buffer, answer.byteOffset);
        view.setUint32(0, maxPackets, true);
        view.setUint32(4, maxUsecs, true);
        return true;
      },
    },
  ];
}

function parameters(data: ControlData, at: number): CoalescingParameters {
  return { maxPackets: data.u32(at), maxUsecs: data.u32(at + 4) };
}
