import { formatMac, MAC_BYTES, type MacAddress } from "@vmmkit/ethif";
import { checkMac } from "./link.ts";

/** Bytes of a hub's addresses that all its ports have in common. */
const PREFIX_BYTES = 4;

/** Gives out addresses that are unique in a hub: locally administered, with three random bytes per hub. */
export class MacSource {
  readonly #prefix: Uint8Array;
  readonly #taken = new Set<string>();
  #next = 1;

  /** @param prefix the first four bytes of each address @throws RangeError where they are not those of a local station's */
  constructor(prefix: Uint8Array = randomPrefix()) {
    if (prefix.length !== PREFIX_BYTES || ((prefix[0] ?? 0) & 3) !== 2) {
      throw new RangeError(`"macPrefix" expected 4 bytes, locally administered and not multicast, got ${prefix}`);
    }
    this.#prefix = prefix.slice();
  }

  /**
   * Takes the address that is wanted, or the next free one.
   * @throws TypeError, RangeError for an address that cannot be or that another port has
   */
  take(wanted: MacAddress | undefined): MacAddress {
    const mac = wanted === undefined ? this.#unused() : checkMac(wanted);
    const text = formatMac(mac);
    if (this.#taken.has(text)) throw new RangeError(`"mac" expected an address that no other port has, got ${text}`);
    this.#taken.add(text);
    return mac;
  }

  /** Gives an address back. */
  release(mac: MacAddress): void {
    this.#taken.delete(formatMac(mac));
  }

  #unused(): MacAddress {
    const mac = new Uint8Array(MAC_BYTES);
    mac.set(this.#prefix);
    do {
      mac[4] = (this.#next >>> 8) & 0xff;
      mac[5] = this.#next & 0xff;
      this.#next++;
    } while (this.#taken.has(formatMac(mac)));
    return mac;
  }
}

function randomPrefix(): Uint8Array {
  const prefix = Uint8Array.from({ length: PREFIX_BYTES }, () => Math.floor(Math.random() * 256));
  prefix[0] = 2;
  return prefix;
}
