import type { GuestMemory } from "@vmmkit/vm";

/** Two bytes of guest memory; null where there is none. */
export function readU16(memory: GuestMemory, gpa: number): number | null {
  const bytes = new Uint8Array(2);
  return memory.read(gpa, bytes) ? (bytes[0] ?? 0) + 256 * (bytes[1] ?? 0) : null;
}
