/** Whether the processor has accesses of this many bytes. */
export function isWidth(size: number): boolean {
  return size === 1 || size === 2 || size === 4;
}

/** Cuts a value to `size` bytes, unsigned. */
export function cut(value: number, size: number): number {
  if (size === 4) return value >>> 0;
  return size === 2 ? value & 0xffff : value & 0xff;
}

/** What a read of `size` bytes gives where nothing answers: all ones, unsigned. */
export function allOnes(size: number): number {
  return cut(-1, isWidth(size) ? size : 4);
}
