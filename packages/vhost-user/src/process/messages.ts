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

/** From the parent, in the first place. */
export interface StartMessage {
  readonly kind: "start";
  readonly module: string;
  readonly data: unknown;
  readonly where: { readonly listen: string; readonly mode: number } | { readonly connect: string };
  readonly spinUs: number;
}

/** From the parent. */
export type ParentMessage =
  | StartMessage
  | { readonly kind: "report"; readonly id: number }
  | { readonly kind: "close" };

/** To the parent. */
export type ChildMessage =
  | { readonly kind: "ready" }
  | { readonly kind: "failed"; readonly error: string }
  | { readonly kind: "log"; readonly line: string }
  | { readonly kind: "report"; readonly id: number; readonly value: unknown };
