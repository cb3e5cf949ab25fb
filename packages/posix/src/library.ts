import { UnsupportedPlatformError } from "./errors.ts";
import { koffi } from "./libc.ts";

/** Functions of a C library, by name. Each is called with numbers, strings and addresses as its signature says. */
export type LibraryFunctions<Names extends string> = Readonly<
  Record<Names, (...parameters: readonly (number | string | null)[]) => unknown>
>;

/** C signatures by name: the result, then the parameters, in koffi's names of types ("int", "uintptr_t", "str"). */
export type Signatures<Names extends string> = Readonly<Record<Names, readonly [string, readonly string[]]>>;

/**
 * Loads another C library, for a package that speaks to one. The signatures are the caller's to answer for.
 * @param files names to try in order: "libpcap.so.1"
 * @throws UnsupportedPlatformError where none of them can be loaded, or one lacks a function
 */
export function loadLibrary<Names extends string>(
  files: readonly string[],
  signatures: Signatures<Names>,
): LibraryFunctions<Names> {
  let reason: unknown = null;
  for (const file of files) {
    try {
      const library = koffi().load(file);
      const entries = Object.entries<readonly [string, readonly string[]]>(signatures);
      const functions = entries.map(([name, [result, parameters]]) => [
        name,
        library.func(name, result, [...parameters]),
      ]);
      return Object.fromEntries(functions) as LibraryFunctions<Names>;
    } catch (error) {
      if (error instanceof UnsupportedPlatformError) throw error;
      reason = error;
    }
  }
  const why = reason instanceof Error ? reason.message : String(reason);
  throw new UnsupportedPlatformError(`none of ${files.join(", ")} could be loaded: ${why}`);
}

/** The text at an address, up to its zero byte; null at address 0. The caller answers for the address. */
export function readCString(address: number): string | null {
  return address === 0 ? null : koffi().decode.string(address);
}

/**
 * A copy of bytes at an address. The caller answers for the address.
 * @param target filled whole
 */
export function copyFromAddress(address: number, target: Uint8Array): void {
  if (target.length > 0) target.set(viewAt(address, target.length));
}

/**
 * Bytes at an address, where they lie. The caller answers for the address, and that nobody looks at the view any more
 * once the memory behind it is gone: it keeps nothing alive.
 */
export function viewAt(address: number, lengthBytes: number): Uint8Array {
  return new Uint8Array(koffi().view(address, lengthBytes));
}
