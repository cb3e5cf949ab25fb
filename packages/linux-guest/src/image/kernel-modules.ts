import { GuestImageError } from "../errors.ts";
import { readElf32 } from "./elf32.ts";

/** A kernel module that goes into the guest. */
export interface KernelModule {
  /** Its name with underscores, as `lsmod` shows it. */
  readonly name: string;
  /** The module without its signature. */
  readonly bytes: Uint8Array;
  /** Names of the modules that must be loaded before it. */
  readonly dependencies: readonly string[];
}

/** Gives the bytes of a module, unpacked, or null where the kernel has no such module file. */
export type ModuleReader = (name: string) => Promise<Uint8Array | null>;

const SIGNATURE_MARK = "~Module signature appended~\n";
/** `struct module_signature`: eight bytes, then the length of the signature, most significant byte first. */
const SIGNATURE_HEADER_BYTES = 12;

/**
 * Collects modules and all that they need, each behind what it depends on.
 * @param wanted names as `modprobe` takes them
 * @param builtIn names of what is part of the kernel itself (from its file `modules.builtin`)
 * @throws GuestImageError where a module is neither built in nor a file
 */
export async function collectModules(
  wanted: readonly string[],
  builtIn: ReadonlySet<string>,
  read: ModuleReader,
): Promise<KernelModule[]> {
  const collected = new Map<string, KernelModule>();
  const visit = async (name: string, neededBy: string): Promise<void> => {
    if (collected.has(name) || builtIn.has(name)) return;
    const bytes = await read(name);
    if (bytes === null) throw new GuestImageError(`the kernel has no module "${name}", which ${neededBy} needs`);
    const dependencies = moduleDependencies(bytes).filter((other) => !builtIn.has(other));
    for (const dependency of dependencies) await visit(dependency, `module "${name}"`);
    // Modules do not depend on each other in circles: the kernel could not load them.
    collected.set(name, { name, bytes: withoutSignature(bytes), dependencies });
  };
  for (const name of wanted) await visit(moduleName(name), "the guest");
  return [...collected.values()];
}

/** What a module says it needs: the entry "depends" of its section `.modinfo`. */
function moduleDependencies(module: Uint8Array): string[] {
  const info = readElf32(module)?.section(".modinfo") ?? new Uint8Array(0);
  const entries = new TextDecoder("latin1").decode(info).split("\0");
  const depends = entries.find((entry) => entry.startsWith("depends="))?.slice("depends=".length) ?? "";
  return depends.split(",").filter(Boolean).map(moduleName);
}

/** The name of a module by its file: `kernel/drivers/net/virtio-foo.ko.xz` is `virtio_foo`. */
export function moduleName(path: string): string {
  const file = path.slice(path.lastIndexOf("/") + 1);
  return file.replace(/\.ko(\.\w+)?$/, "").replaceAll("-", "_");
}

/** Names in a kernel's file `modules.builtin`, one path a line. */
export function parseBuiltIn(text: string): Set<string> {
  return new Set(text.split("\n").filter(Boolean).map(moduleName));
}

/** The file that `modprobe` reads: a module and what it needs, nearest first, all in one folder. */
export function modulesDep(modules: readonly KernelModule[]): string {
  const byName = new Map(modules.map((module) => [module.name, module]));
  const needs = (name: string): string[] => {
    const direct = byName.get(name)?.dependencies ?? [];
    return [...new Set([...direct, ...direct.flatMap(needs)])];
  };
  return modules
    .map(
      ({ name }) =>
        `${name}.ko:${needs(name)
          .map((other) => ` ${other}.ko`)
          .join("")}\n`,
    )
    .join("");
}

/**
 * Cuts a module's signature off. The kernel loads modules without one as gladly, unless it is locked down, and
 * checking one costs an emulated processor a tenth of a second. apt has verified the package that it came in.
 */
function withoutSignature(module: Uint8Array): Uint8Array {
  const mark = Buffer.from(SIGNATURE_MARK);
  const headerEnd = module.length - mark.length;
  if (headerEnd < SIGNATURE_HEADER_BYTES || !mark.equals(module.subarray(headerEnd))) return module;
  const signatureBytes = new DataView(module.buffer, module.byteOffset).getUint32(headerEnd - 4);
  const end = headerEnd - SIGNATURE_HEADER_BYTES - signatureBytes;
  return end > 0 ? module.subarray(0, end) : module;
}
