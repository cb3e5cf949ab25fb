import type { ControlData } from "./control-data.ts";

/** A command of the control queue as data (VIRTIO 1.2, 5.1.6.5). */
export interface ControlCommand {
  /** VIRTIO_NET_CTRL_*. */
  readonly class: number;
  readonly command: number;
  /** Feature bits of which the driver has to have negotiated one. */
  readonly features: readonly number[];
  /** Bytes of its data: exactly as many. Absent where they vary; then `run` looks itself. */
  readonly dataBytes?: number;
  /** Bytes that the device writes before `ack`. Default none. */
  readonly answerBytes?: number;
  /**
   * Carries it out. Nothing has changed where it is refused.
   * @param answer `answerBytes` bytes, zeros, to be filled
   * @returns whether it was carried out: VIRTIO_NET_OK or VIRTIO_NET_ERR
   */
  run(data: ControlData, answer: Uint8Array): boolean;
}
