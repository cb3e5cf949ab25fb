/*
 * A process that loads the packages and makes one card, once. Prints, as JSON, how many milliseconds each took, the
 * start of Node itself not counted.
 */
const begin = performance.now();
const [
  { IoPortType, VmmIoPortList },
  { VmmPciSpace },
  { commonMakeVirtioNet, virtioNetDefaultBackend },
  { GuestMemory },
] = await Promise.all([
  import("@vmmkit/ioport"),
  import("@vmmkit/pci"),
  import("@vmmkit/virtio-net"),
  import("@vmmkit/vm"),
]);
const loaded = performance.now();
const memory = new GuestMemory([{ gpa: 0, size: 1 << 20, buffer: new ArrayBuffer(1 << 20) }]);
const vm = { memory, interrupts: { setLine: () => {} } };
const window = { start: 0, end: 0, size: 32 };
const card = commonMakeVirtioNet(
  vm,
  new VmmPciSpace(),
  new VmmIoPortList(),
  window,
  IoPortType.Free,
  1,
  11,
  virtioNetDefaultBackend(),
);
const made = performance.now();
process.stdout.write(`${JSON.stringify({ loadMs: loaded - begin, makeMs: made - loaded, iobase: card.iobase })}\n`);
