import type { Poller } from "@vmmkit/posix";
import type { Vm } from "@vmmkit/vm";
import type { VhostUserDevice, VhostUserHooks } from "../served-device.ts";

/** What a back-end's module gets to make its device from. */
export interface DeviceSetup<Data = unknown> {
  readonly vm: Vm;
  readonly hooks: VhostUserHooks;
  /** Waits for the rings; what carries the device's frames does best to wait there too. */
  readonly poller: Poller;
  /** A copy of what `serveInProcess` was given. */
  readonly data: Data;
}

/** What a back-end's module exports. */
export interface BackendModule<Data = unknown> {
  /** Makes the device. */
  readonly default: (setup: DeviceSetup<Data>) => VhostUserDevice;
  /** What the device has to say of itself when it is asked: anything that can be cloned. */
  readonly report?: () => unknown;
}

/** What the process of a back-end starts from. */
export interface StartData {
  readonly module: string;
  readonly data: unknown;
  readonly where: { readonly listen: string; readonly mode: number } | { readonly connect: string };
  readonly spinUs: number;
}
