/** Width of a port access in bytes. */
export type PortWidth = 1 | 2 | 4;

/** The guest's `in` and `out` instructions. */
export interface GuestPorts {
  /** Reads `size` bytes at `port`. The result is from 0 to 2^(8 * size) - 1. */
  in(port: number, size: PortWidth): number;
  /** Writes the low `size` bytes of `value` at `port`. */
  out(port: number, size: PortWidth, value: number): void;
}

/** How a guest reaches devices: ports, and loads and stores of what is behind memory BARs. */
export interface GuestBus extends GuestPorts {
  /** Loads `size` bytes at a guest physical address behind a memory BAR. Without sign, as `in`. */
  load(gpa: number, size: PortWidth): number;
  /** Stores the low `size` bytes of `value` there. */
  store(gpa: number, size: PortWidth, value: number): void;
}
