import { stateFlag, stateInteger, stateList, stateRecord } from "@vmmkit/vm";
import type { VirtioDevice } from "./device.ts";
import { type QueueState, QueueStateError } from "./queue/queue-state.ts";

/** What `DeviceState` knows, as plain data that `JSON` can carry. */
export interface VirtioState {
  /** VIRTIO_CONFIG_S_*. */
  readonly status: number;
  /** VIRTIO_PCI_ISR_*. */
  readonly isr: number;
  /** Feature bits that both sides have. */
  readonly featuresLow: number;
  readonly featuresHigh: number;
  /** The driver accepted a feature that was never offered: FEATURES_OK is refused. */
  readonly tookTooMuch: boolean;
  readonly configGeneration: number;
  /** By number; null for one that the driver has not placed. */
  readonly queues: readonly (QueueState | null)[];
}

const WORD = 0xffff_ffff;

/**
 * Checks a state from outside, but for what only the queues can say. Other fields than these are not looked at. All
 * that a driver can bring a device to passes, also what no good driver does.
 * @throws TypeError, RangeError naming the field
 */
export function checkDeviceState(state: unknown, device: VirtioDevice): VirtioState {
  const { status, isr, featuresLow, featuresHigh, tookTooMuch, configGeneration, queues } = stateRecord("state", state);
  return {
    status: stateInteger("status", status, 0, 0xff),
    isr: stateInteger("isr", isr, 0, 3),
    featuresLow: offered("featuresLow", featuresLow, device.featuresLow),
    featuresHigh: offered("featuresHigh", featuresHigh, device.featuresHigh),
    tookTooMuch: stateFlag("tookTooMuch", tookTooMuch),
    configGeneration: stateInteger("configGeneration", configGeneration, 0, 0xff),
    queues: stateList("queues", queues, device.queueSizes.length).map((queue, index) => {
      if (queue === null) return null;
      const { format, size } = stateRecord(`queues[${index}]`, queue);
      if (format !== "split" && format !== "packed") {
        throw new RangeError(`"queues[${index}].format" expected "split" or "packed", got ${String(format)}`);
      }
      const entries = stateInteger(`queues[${index}].size`, size, 1, device.queueSizes[index] ?? 0);
      if (format === "split" && (entries & (entries - 1)) !== 0) {
        throw new RangeError(`"queues[${index}].size" expected a power of two, got ${entries}`);
      }
      return queue as QueueState;
    }),
  };
}

/** Runs the check of a queue; its error says which queue it was. */
export function namingQueue(index: number, check: () => void): void {
  try {
    check();
  } catch (error) {
    if (error instanceof QueueStateError) throw new QueueStateError(`"queues[${index}]" refused: ${error.message}`);
    throw error;
  }
}

function offered(name: string, value: unknown, all: number): number {
  const bits = stateInteger(name, value, 0, WORD);
  const extra = (bits & ~all) >>> 0;
  if (extra !== 0) throw new RangeError(`"${name}" are not all on offer: 0x${extra.toString(16)}`);
  return bits;
}
