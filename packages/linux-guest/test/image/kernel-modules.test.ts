import { expect, test } from "vitest";
import { GuestImageError } from "../../src/errors.ts";
import { collectModules, moduleName, modulesDep, parseBuiltIn } from "../../src/image/kernel-modules.ts";
import { buildElf32 } from "../support/elf.ts";

const none: ReadonlySet<string> = new Set();

function moduleFile(depends: string): Uint8Array {
  const info = Buffer.from(`license=GPL\0depends=${depends}\0name=any\0`);
  return buildElf32(0, [], [{ name: ".modinfo", bytes: info }]);
}

function readerOf(modules: Readonly<Record<string, string>>): (name: string) => Promise<Uint8Array | null> {
  return async (name) => {
    const depends = modules[name];
    return depends === undefined ? null : moduleFile(depends);
  };
}

test("a module's file gives its name", () => {
  expect(moduleName("kernel/drivers/net/virtio_net.ko")).toBe("virtio_net");
  expect(moduleName("kernel/drivers/net/ne2k-pci.ko.xz")).toBe("ne2k_pci");
  expect(moduleName("ne2k-pci")).toBe("ne2k_pci");
});

test("modules.builtin is read a path a line", () => {
  expect(parseBuiltIn("kernel/net/packet/af_packet.ko\nkernel/lib/crc-ccitt.ko\n")).toEqual(
    new Set(["af_packet", "crc_ccitt"]),
  );
});

test("each module comes once and behind all that it depends on", async () => {
  const read = readerOf({ net: "failover,ring", failover: "", ring: "virtio", virtio: "", pci: "ring,virtio" });
  const modules = await collectModules(["pci", "net"], none, read);
  expect(modules.map(({ name }) => name)).toEqual(["virtio", "ring", "pci", "failover", "net"]);
});

test("what is built in is passed over, wanted or depended on", async () => {
  const modules = await collectModules(["packet", "net"], new Set(["packet", "ring"]), readerOf({ net: "ring" }));
  expect(modules.map(({ name, dependencies }) => [name, dependencies])).toEqual([["net", []]]);
});

test("a missing module is named with who needs it", async () => {
  const collecting = collectModules(["net"], none, readerOf({ net: "ring" }));
  await expect(collecting).rejects.toThrow(GuestImageError);
  await expect(collecting).rejects.toThrow('no module "ring", which module "net" needs');
});

test("a signature is cut off, and a module without one stays whole", async () => {
  const module = moduleFile("");
  const signature = Buffer.alloc(100, 0xaa);
  const header = Buffer.alloc(12);
  header.writeUInt32BE(signature.length, 8);
  const signed = Buffer.concat([module, signature, header, Buffer.from("~Module signature appended~\n")]);
  for (const file of [signed, module]) {
    const [first] = await collectModules(["net"], none, async () => file);
    expect(Buffer.from(first?.bytes ?? [])).toEqual(Buffer.from(module));
  }
});

test("modules.dep lists what a module needs, nearest first and each once", async () => {
  const read = readerOf({ net: "ring,virtio", ring: "virtio", virtio: "" });
  expect(modulesDep(await collectModules(["net"], none, read))).toBe(
    "virtio.ko:\nring.ko: virtio.ko\nnet.ko: ring.ko virtio.ko\n",
  );
});
