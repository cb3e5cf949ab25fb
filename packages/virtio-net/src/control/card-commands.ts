import type { DeviceState } from "@vmmkit/virtio";
import type { Announcer } from "../announcer.ts";
import type { Coalescing } from "../coalescing.ts";
import type { ReceiveFilter } from "../filter/receive-filter.ts";
import type { Negotiated } from "../negotiated.ts";
import type { NetConfig } from "../net-config.ts";
import { receiveOffloads } from "../offload/offload-features.ts";
import type { QueuePairs } from "../queue-pairs.ts";
import type { Steering } from "../steering/steering.ts";
import { coalescingCommands } from "./coalescing-commands.ts";
import type { ControlCommand } from "./control-command.ts";
import { announceCommand, steeringCommands } from "./device-commands.ts";
import { filterCommands } from "./filter-commands.ts";
import { offloadCommand } from "./offload-command.ts";

/** What the commands of a control queue act on. */
export interface CommandedCard {
  readonly state: DeviceState;
  readonly config: NetConfig;
  readonly filter: ReceiveFilter;
  readonly steering: Steering;
  readonly coalescing: Coalescing;
  readonly announcer: Announcer;
  readonly pairs: QueuePairs;
  readonly negotiated: Negotiated;
  /** From now on received frames may leave this to the guest: bits of `Offload`. */
  setGuestOffloads(offloads: number): void;
}

/** All commands that a card has (VIRTIO 1.2, 5.1.6.5). */
export function cardCommands(card: CommandedCard): ControlCommand[] {
  const { state, config, pairs } = card;
  const changed = (): void => {
    pairs.tell();
    pairs.run();
  };
  const setMac = (mac: Uint8Array): void => {
    config.setMac(mac);
    state.noteConfigChange();
  };
  const acknowledge = (): void => {
    config.setAnnounce(false);
    state.noteConfigChange();
    card.announcer.acknowledged();
  };
  return [
    ...filterCommands(card.filter, setMac),
    announceCommand(acknowledge),
    offloadCommand(
      () => card.negotiated.bits,
      (offloads) => card.setGuestOffloads(receiveOffloads(offloads)),
    ),
    ...steeringCommands(card.steering, pairs.all.length, changed),
    ...coalescingCommands(card.coalescing, (queue) => queue >> 1 < pairs.used),
  ];
}
