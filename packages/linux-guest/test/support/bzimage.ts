/** Builds a bzImage whose program is some code, a payload, and some more code. */
export function buildBzImage(payload: Uint8Array, release = "6.1.0-test"): Uint8Array {
  const setup = Buffer.alloc(5 * 512);
  setup[0x1f1] = 4;
  setup.writeUInt16LE(0xaa55, 0x1fe);
  setup.write("HdrS", 0x202, "latin1");
  setup.writeUInt16LE(0x20f, 0x206);
  setup.writeUInt16LE(0x300, 0x20e);
  setup.write(`${release} (somebody@somewhere)\0`, 0x500, "latin1");
  setup.writeUInt32LE(0x10_0000, 0x214);
  setup.writeUInt32LE(16, 0x248);
  setup.writeUInt32LE(payload.length, 0x24c);
  return Buffer.concat([setup, Buffer.alloc(16, 0x90), payload, Buffer.alloc(32, 0x90)]);
}
