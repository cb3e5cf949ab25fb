/**
 * Whether moving a 16-bit index from `oldIndex` to `newIndex` passed the entry `eventIndex` that the other side
 * waits for (VIRTIO 1.2, 2.7.10.1). All three wrap at 65536; the event is passed when entry `eventIndex` is among
 * the entries `oldIndex`, `oldIndex + 1`, ... `newIndex - 1`.
 */
export function needEvent(eventIndex: number, newIndex: number, oldIndex: number): boolean {
  return ((newIndex - eventIndex - 1) & 0xffff) < ((newIndex - oldIndex) & 0xffff);
}
