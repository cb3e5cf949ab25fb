import type { VirtioDevice } from "../device.ts";

/** Reads the device's own configuration at any width; 0 where it has ended. */
export function readConfig(device: VirtioDevice, offset: number, size: number): number {
  let value = 0;
  for (let i = 0; i < size; i++) value = (value | ((device.config[offset + i] ?? 0) << (8 * i))) >>> 0;
  return value;
}

/** Writes it, as a modern driver does. */
export function writeConfig(device: VirtioDevice, offset: number, size: number, value: number): void {
  for (let i = 0; i < size; i++) {
    if (offset + i < device.config.length) device.configWrite(offset + i, (value >>> (8 * i)) & 0xff, false);
  }
}
