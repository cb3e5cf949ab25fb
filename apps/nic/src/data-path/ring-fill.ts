import { type DeviceQueue, VIRTQ_DESC_BYTES, VIRTQ_DESC_F_AVAIL, VIRTQ_DESC_F_USED } from "@vmmkit/virtio";
import type { GuestMemory } from "@vmmkit/vm";

const FLAGS_AT = 14;
const WRAP = 1 << 15;

/**
 * How much of a virtqueue the device has: chains of a split one, descriptors of a packed one, that the driver gave and
 * did not get back. Read from the rings where they are, so at any time; 0 for a queue that does not work.
 */
export function ringFill(memory: GuestMemory, queue: DeviceQueue, isPacked: boolean): number {
  if (queue.layout === null || queue.error !== null) return 0;
  return isPacked ? packedFill(memory, queue, queue.layout.descTable) : splitFill(memory, queue);
}

function splitFill(memory: GuestMemory, { layout, size }: DeviceQueue): number {
  if (layout === null) return 0;
  const given = readU16(memory, layout.availRing + 2);
  const back = readU16(memory, layout.usedRing + 2);
  // The driver may have written anything.
  return Math.min((given - back) & 0xffff, size);
}

/** From the next used descriptor on, those that bear the driver's mark (VIRTIO 1.2, 2.8.1). */
function packedFill(memory: GuestMemory, { base, size }: DeviceQueue, descTable: number): number {
  const used = base >>> 16;
  let slot = used & ~WRAP;
  let wrap = (used & WRAP) !== 0;
  for (let count = 0; count < size; count++) {
    const flags = readU16(memory, descTable + VIRTQ_DESC_BYTES * slot + FLAGS_AT);
    if (((flags & VIRTQ_DESC_F_AVAIL) !== 0) !== wrap || ((flags & VIRTQ_DESC_F_USED) !== 0) === wrap) return count;
    slot++;
    if (slot === size) {
      slot = 0;
      wrap = !wrap;
    }
  }
  return size;
}

function readU16(memory: GuestMemory, gpa: number): number {
  const bytes = new Uint8Array(2);
  return memory.read(gpa, bytes) ? (bytes[0] ?? 0) | ((bytes[1] ?? 0) << 8) : 0;
}
