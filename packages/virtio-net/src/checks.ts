/** Least and most ports of the legacy register window (VIRTIO 1.2, 4.1.4.10; PCI 3.0, 6.2.5.1). */
const MIN_WINDOW_BYTES = 32;
const MAX_WINDOW_BYTES = 256;
/** Least ports with MSI-X: its registers move the configuration behind the 32nd. */
export const MSIX_WINDOW_BYTES = 64;

/** @throws RangeError for a number of ports that the register window cannot have */
export function checkWindow(name: string, size: number): void {
  if (Number.isInteger(Math.log2(size)) && size >= MIN_WINDOW_BYTES && size <= MAX_WINDOW_BYTES) return;
  throw new RangeError(
    `"${name}" expected a power of two from ${MIN_WINDOW_BYTES} to ${MAX_WINDOW_BYTES} ports, got ${size}`,
  );
}

/** @throws RangeError for anything but an integer from `min` to `max` */
export function checkInteger(name: string, value: number, min: number, max: number): void {
  if (!Number.isInteger(value) || value < min || value > max) {
    throw new RangeError(`"${name}" expected ${min} to ${max}, got ${value}`);
  }
}
