import type { V86 } from "v86";
import type { Attachment } from "../../src/index.ts";

/** Port that the guest talks to the attachment through. */
const PORT = 0x5000;

/** v86's table of I/O ports, as far as it is needed here. */
interface Ports {
  register_write(port: number, device: object, write8: (value: number) => void): void;
}

/** An attach module for tests: it counts what the guest writes to a port, and tells when it is closed. */
export function attach(emulator: V86, data: { readonly name: string; readonly closed: SharedArrayBuffer }): Attachment {
  const written: number[] = [];
  const { io } = (emulator as unknown as { v86: { cpu: { io: Ports } } }).v86.cpu;
  io.register_write(PORT, {}, (value) => written.push(value));
  return {
    ask: (request) => ({ name: data.name, request, written }),
    close: () => void Atomics.add(new Int32Array(data.closed), 0, 1),
  };
}
