import { Errno, posixError } from "@vmmkit/posix";
import { InterfaceControl } from "./interface-control.ts";
import type { CheckedOptions } from "./options.ts";
import { explainOpening, TapDevice } from "./tap-device.ts";

/** An interface that is open and as the options want it. */
export interface OpenTap {
  readonly device: TapDevice;
  /** Of the network namespace that the interface is in. */
  readonly control: InterfaceControl;
  /** It did not exist before. */
  readonly made: boolean;
}

/**
 * Opens the interface that the options name.
 * @throws PosixError with what to do about it
 */
export function openTap(options: CheckedOptions): OpenTap {
  const { name, existing } = options;
  const given = options.fds.length > 0;
  const control = new InterfaceControl();
  let device: TapDevice | null = null;
  try {
    const made = !given && control.index(name) === 0;
    if (made && existing) {
      const hint = `let root create it: ip tuntap add dev ${name} mode tap user <you>`;
      throw posixError(Errno.ENODEV, "TUNSETIFF", name, hint);
    }
    device = new TapDevice(options);
    configure(device.name, control, options, made);
    return { device, control, made };
  } catch (error) {
    control.close();
    if (!given) device?.close();
    throw explainOpening(error, name);
  }
}

/**
 * Makes an interface as the options want it.
 * @param made whether it was made for this
 * @throws PosixError
 */
export function configure(name: string, control: InterfaceControl, options: CheckedOptions, made: boolean): void {
  const { mtu, hostMac, bridge, up } = options;
  if (hostMac !== undefined) control.setMac(name, hostMac);
  if (mtu !== undefined) control.setMtu(name, mtu);
  if (bridge !== undefined) control.joinBridge(name, bridge);
  if (up ?? made) control.bringUp(name);
}
