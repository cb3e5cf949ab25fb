/** Index of the first byte in which two arrays of one length differ, -1 where they are the same. */
export function firstDifference(a: Uint8Array, b: Uint8Array): number {
  if (a.length !== b.length) throw new RangeError(`"b" expected ${a.length} bytes, got ${b.length}`);
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return i;
  return -1;
}
