/** The part of `WebAssembly.Memory` that the tests need: a buffer that is replaced when the memory grows. */
interface WasmMemory {
  readonly buffer: ArrayBuffer;
  grow(pages: number): number;
}

interface WasmHost {
  readonly WebAssembly: { readonly Memory: new (descriptor: { initial: number; maximum: number }) => WasmMemory };
}

/** Bytes of a page of WebAssembly memory. */
export const WASM_PAGE_BYTES = 65536;

/** Memory of one page that may grow to eight. */
export function wasmMemory(): WasmMemory {
  const host = globalThis as unknown as WasmHost;
  return new host.WebAssembly.Memory({ initial: 1, maximum: 8 });
}
