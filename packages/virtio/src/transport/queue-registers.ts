import type { QueuePlace } from "../device-state.ts";

/** A 64-bit address as two registers of 32 bits. */
export interface AddressRegister {
  low: number;
  high: number;
}

/** What a driver says of a queue before it starts it, register by register. */
export class QueueRegisters {
  size: number;
  readonly descTable: AddressRegister = { low: 0, high: 0 };
  readonly driverArea: AddressRegister = { low: 0, high: 0 };
  readonly deviceArea: AddressRegister = { low: 0, high: 0 };
  readonly #most: number;

  /** @param most entries that the device gives the queue */
  constructor(most: number) {
    this.#most = most;
    this.size = most;
  }

  /** As before a driver came. */
  reset(): void {
    this.size = this.#most;
    for (const part of [this.descTable, this.driverArea, this.deviceArea]) {
      part.low = 0;
      part.high = 0;
    }
  }

  /** Where the queue is to be. An address from 2^53 on loses its low bits, but there is no memory anyway. */
  place(): QueuePlace {
    return {
      size: this.size,
      descTable: joined(this.descTable),
      driverArea: joined(this.driverArea),
      deviceArea: joined(this.deviceArea),
    };
  }
}

function joined(register: AddressRegister): number {
  return register.high * 2 ** 32 + register.low;
}
