import { IFNAMSIZ, IFREQ_BYTES } from "./tun-spec.ts";

/** A request about an interface (C: `struct ifreq`): its name, and what is asked or told. */
export class InterfaceRequest {
  /** The whole request, for `ioctl`. */
  readonly bytes: Uint8Array = new Uint8Array(new ArrayBuffer(IFREQ_BYTES));
  /** What is asked or told, as numbers. Offsets count from the start of the request. */
  readonly view: DataView = new DataView(this.bytes.buffer);

  /** @param name at most 15 bytes; see `checkInterfaceName` */
  constructor(name: string) {
    this.bytes.set(new TextEncoder().encode(name).subarray(0, IFNAMSIZ - 1));
  }

  /** The name, as the kernel has it. */
  get name(): string {
    const end = this.bytes.indexOf(0);
    return new TextDecoder().decode(this.bytes.subarray(0, end < 0 || end > IFNAMSIZ ? IFNAMSIZ : end));
  }
}

/** Where the union of a request starts. */
export const REQUEST_DATA: number = IFNAMSIZ;

/** @throws RangeError for a name that no interface can have */
export function checkInterfaceName(argument: string, name: string): string {
  const bytes = new TextEncoder().encode(name).length;
  if (bytes < 1 || bytes >= IFNAMSIZ || /[/:\s\0]/.test(name) || name === "." || name === "..") {
    throw new RangeError(
      `"${argument}" expected 1 to ${IFNAMSIZ - 1} bytes without "/", ":" and spaces, got "${name}"`,
    );
  }
  return name;
}
