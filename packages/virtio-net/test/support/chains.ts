import type { ChainPart, GuestMachine } from "@vmmkit/guest-driver";

/** Where the pieces of a chain lie: each in a place of its own, none beside another, the last one first. */
export function scatter(machine: GuestMachine, lengths: readonly number[]): ChainPart[] {
  const total = lengths.reduce((sum, length) => sum + length + 16, 0);
  let gpa = machine.ram.alloc(total) + total;
  return lengths.map((length) => {
    gpa -= length + 16;
    return { gpa, length };
  });
}

/** Writes bytes over the pieces of a chain, from its start. */
export function fillChain(machine: GuestMachine, parts: readonly ChainPart[], bytes: Uint8Array): void {
  let done = 0;
  for (const { gpa, length } of parts) {
    machine.ram.write(gpa, bytes.subarray(done, done + length));
    done += length;
  }
}

/** Reads the first `lengthBytes` bytes of a chain. */
export function readChain(machine: GuestMachine, parts: readonly ChainPart[], lengthBytes: number): Uint8Array {
  const bytes = new Uint8Array(lengthBytes);
  let done = 0;
  for (const { gpa, length } of parts) {
    const count = Math.min(length, lengthBytes - done);
    bytes.set(machine.ram.read(gpa, count), done);
    done += count;
  }
  return bytes;
}

/** Bytes one behind the other. */
export function join(...pieces: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(pieces.flatMap((piece) => [...piece]));
}
