/** What this needs of WebAssembly, which ES2022's own types leave out. */
interface WasmMemory {
  readonly buffer: ArrayBuffer;
  grow(pages: number): number;
}

/** WebAssembly memory. Growing it detaches its buffer. @param pages of 64 KiB */
export function wasmMemory(pages: number): WasmMemory {
  const { Memory } = (
    globalThis as unknown as { WebAssembly: { Memory: new (size: { initial: number }) => WasmMemory } }
  ).WebAssembly;
  return new Memory({ initial: pages });
}
