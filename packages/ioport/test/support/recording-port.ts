import type { IoPortInterface } from "../../src/index.ts";

/** A handler that remembers each access and answers with bytes that depend on the port. */
export class RecordingPort implements IoPortInterface {
  readonly desc: string;
  readonly log: string[] = [];

  constructor(desc = "test") {
    this.desc = desc;
  }

  portIn(port: number, size: number): number {
    this.log.push(`in ${port.toString(16)} ${size}`);
    let value = 0;
    for (let i = 0; i < size; i++) value += byteOf(port + i) * 256 ** i;
    return value;
  }

  portOut(port: number, size: number, value: number): void {
    this.log.push(`out ${port.toString(16)} ${size} ${value.toString(16)}`);
  }
}

/** What a `RecordingPort` reads at one port. */
export function byteOf(port: number): number {
  return (port * 7 + 1) & 0xff;
}
