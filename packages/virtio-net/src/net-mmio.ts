import type { RawIfaceFuncs } from "@vmmkit/ethif";
import type { MmioInterface } from "@vmmkit/ioport";
import { MmioTransport, VIRTIO_MMIO_BYTES, type VirtioMmioState } from "@vmmkit/virtio";
import { type Restoration, restore, type Saveable, type Vm } from "@vmmkit/vm";
import { NetDevice } from "./net-device.ts";
import type { NetDeviceOptions } from "./options.ts";

/** What a caller of `makeVirtioNetMmio` may choose. */
export interface VirtioNetMmioOptions extends NetDeviceOptions {
  /** The line that `vm.interrupts.setLine` gets. */
  readonly irqLine: number;
}

/** A network card as registers in memory. Its place there is the VMM's to choose: `VmmMmioList.addHandler` takes it. */
export interface VirtioNetMmio extends MmioInterface, Saveable {
  /** Bytes of the registers and the configuration. */
  readonly bytes: number;
  /** The network device behind the registers. */
  readonly device: NetDevice;
  /** See `VirtioNet.save`. */
  save(): VirtioMmioState;
  /** See `VirtioNet.restore`. */
  restore(state: unknown): void;
  /** Resets the device and lets go of guest memory. The backend is the caller's to close. */
  close(): void;
}

/**
 * Makes a network card without a bus: virtio over MMIO (VIRTIO 1.2, 4.2), 512 bytes of registers and an interrupt
 * line. The guest has to be told where they are: by a device tree, by ACPI, or on Linux's command line.
 * @param vm guest memory and interrupts
 * @param backend what carries the frames
 * @throws RangeError or TypeError that names the argument
 */
export function makeVirtioNetMmio(vm: Vm, backend: RawIfaceFuncs, options: VirtioNetMmioOptions): VirtioNetMmio {
  const { irqLine, name = "virtio-net" } = options;
  if (!Number.isInteger(irqLine) || irqLine < 0) {
    throw new RangeError(`"irqLine" expected an integer from 0 on, got ${irqLine}`);
  }
  let level = false;
  const setLevel = (wanted: boolean): void => {
    if (wanted === level) return;
    level = wanted;
    vm.interrupts.setLine(irqLine, wanted);
  };
  const device = new NetDevice(
    vm,
    backend,
    {
      interrupt: () => {
        // The line is high while there is something that the guest has not seen, and never for nothing.
        if (device.state.isr !== 0) setLevel(true);
      },
      lowerIrq: () => setLevel(false),
    },
    options,
  );
  const transport = new MmioTransport(device.state);
  const prepare = (state: unknown): Restoration => {
    const { apply, resume } = transport.prepare(state);
    return {
      apply,
      resume: () => {
        setLevel(device.state.isr !== 0);
        resume();
      },
    };
  };
  return {
    desc: name,
    bytes: VIRTIO_MMIO_BYTES,
    device,
    read: (offset, size) => transport.read(offset, size),
    write: (offset, size, value) => transport.write(offset, size, value),
    save: () => transport.save(),
    prepare,
    restore: (state) => restore({ save: () => transport.save(), prepare }, state),
    close: () => device.close(),
  };
}
