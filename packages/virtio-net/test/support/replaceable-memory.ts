/** What this needs of WebAssembly, which ES2022's own types leave out. */
interface WasmMemory {
  readonly buffer: ArrayBuffer;
  grow(pages: number): number;
}
interface WasmMemoryType {
  new (descriptor: { initial: number; maximum: number }): WasmMemory;
}

/** WebAssembly memory as guest memory: growing it detaches its buffer, and the bytes are in a new one. */
export interface ReplaceableMemory {
  readonly buffer: ArrayBuffer;
  /** Grows it. */
  replace(): void;
}

/** @param pages of 64 KiB; the guest sees no more of them when the memory has grown */
export function wasmMemory(pages: number): ReplaceableMemory {
  const { Memory } = (globalThis as unknown as { WebAssembly: { Memory: WasmMemoryType } }).WebAssembly;
  const memory = new Memory({ initial: pages, maximum: pages + 64 });
  return {
    get buffer() {
      return memory.buffer;
    },
    replace: () => void memory.grow(1),
  };
}

/** A buffer that is handed over to a new one, and detached, as often as wanted: the same for a device, and cheaper. */
export function transferableMemory(lengthBytes: number): ReplaceableMemory {
  let buffer = new ArrayBuffer(lengthBytes);
  return {
    get buffer() {
      return buffer;
    },
    replace: () => {
      buffer = structuredClone(buffer, { transfer: [buffer] });
    },
  };
}
