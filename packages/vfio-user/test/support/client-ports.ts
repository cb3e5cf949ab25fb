import type { GuestPorts, PortWidth } from "@vmmkit/guest-driver";
import { type Client, pack } from "./client.ts";

const [REGION_READ, REGION_WRITE] = [9, 10];
const CONFIG_REGION = 7;
/** Where the one function is: 00:01.0. */
const DEVICE = 1;

/** A guest's `in` and `out`, as a VMM with this one function would answer them. BAR 0 is wherever its register says. */
export class ClientPorts implements GuestPorts {
  readonly #client: Client;
  #address = 0;

  constructor(client: Client) {
    this.#client = client;
  }

  in(port: number, size: PortWidth): number {
    const where = this.#resolve(port);
    if (where === null) return 2 ** (8 * size) - 1;
    return this.#read(where.region, where.offset, size);
  }

  out(port: number, size: PortWidth, value: number): void {
    if (port === 0xcf8) {
      this.#address = value;
      return;
    }
    const where = this.#resolve(port);
    if (where === null) return;
    const access = pack([
      [8, where.offset],
      [4, where.region],
      [4, size],
      [size, value],
    ]);
    this.#client.succeed(REGION_WRITE, access);
  }

  #read(region: number, offset: number, size: PortWidth): number {
    const { body } = this.#client.succeed(
      REGION_READ,
      pack([
        [8, offset],
        [4, region],
        [4, size],
      ]),
    );
    if (size === 4) return body.getUint32(16, true);
    return size === 2 ? body.getUint16(16, true) : body.getUint8(16);
  }

  #resolve(port: number): { readonly region: number; readonly offset: number } | null {
    if (port >= 0xcfc && port <= 0xcff) {
      if (this.#address >>> 8 !== (0x8000_0000 | (DEVICE << 11)) >>> 8) return null;
      return { region: CONFIG_REGION, offset: (this.#address & 0xfc) + port - 0xcfc };
    }
    const base = this.#read(CONFIG_REGION, 0x10, 4) & ~3;
    return port >= base && port < base + 32 ? { region: 0, offset: port - base } : null;
  }
}
