import {
  VIRTIO_NET_CTRL_ANNOUNCE,
  VIRTIO_NET_CTRL_ANNOUNCE_ACK,
  VIRTIO_NET_CTRL_MQ,
  VIRTIO_NET_CTRL_MQ_HASH_CONFIG,
  VIRTIO_NET_CTRL_MQ_RSS_CONFIG,
  VIRTIO_NET_CTRL_MQ_VQ_PAIRS_SET,
  VIRTIO_NET_F_GUEST_ANNOUNCE,
  VIRTIO_NET_F_HASH_REPORT,
  VIRTIO_NET_F_MQ,
  VIRTIO_NET_F_RSS,
} from "@vmmkit/virtio";
import { readHashConfig, readRssConfig } from "../steering/rss-config.ts";
import type { Steering } from "../steering/steering.ts";
import type { ControlCommand } from "./control-command.ts";

/** Ends a request to announce the guest (VIRTIO 1.2, 5.1.6.5.4). Whatever data comes with it is nobody's business. */
export function announceCommand(acknowledge: () => void): ControlCommand {
  return {
    class: VIRTIO_NET_CTRL_ANNOUNCE,
    command: VIRTIO_NET_CTRL_ANNOUNCE_ACK,
    features: [VIRTIO_NET_F_GUEST_ANNOUNCE],
    run: () => {
      acknowledge();
      return true;
    },
  };
}

/**
 * The commands of several queue pairs (5.1.6.5.5 to 5.1.6.5.7).
 * @param pairs how many there are
 * @param changed tells backend and queues which are in use now
 */
export function steeringCommands(steering: Steering, pairs: number, changed: () => void): ControlCommand[] {
  return [
    {
      class: VIRTIO_NET_CTRL_MQ,
      command: VIRTIO_NET_CTRL_MQ_VQ_PAIRS_SET,
      features: [VIRTIO_NET_F_MQ],
      dataBytes: 2,
      run: (data) => {
        const wanted = data.u16(0);
        if (wanted < 1 || wanted > pairs) return false;
        steering.setPairs(wanted);
        changed();
        return true;
      },
    },
    {
      class: VIRTIO_NET_CTRL_MQ,
      command: VIRTIO_NET_CTRL_MQ_RSS_CONFIG,
      features: [VIRTIO_NET_F_RSS],
      run: (data) => {
        const config = readRssConfig(data, pairs);
        if (config === null) return false;
        steering.setRss(config);
        changed();
        return true;
      },
    },
    {
      class: VIRTIO_NET_CTRL_MQ,
      command: VIRTIO_NET_CTRL_MQ_HASH_CONFIG,
      features: [VIRTIO_NET_F_HASH_REPORT],
      run: (data) => {
        const config = readHashConfig(data);
        if (config === null) return false;
        steering.setHash(config);
        return true;
      },
    },
  ];
}
