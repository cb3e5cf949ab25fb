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
