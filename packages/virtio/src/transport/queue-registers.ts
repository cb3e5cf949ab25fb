import { stateInteger, stateIntegers, stateRecord } from "@vmmkit/vm";
import type { QueuePlace } from "../device-state.ts";

/** A 64-bit address as two registers of 32 bits. */
export interface AddressRegister {
  low: number;
  high: number;
}

/** What the registers of a queue hold: addresses as their low and their high half. */
export interface QueueRegistersState {
  readonly size: number;
  readonly descTable: readonly number[];
  readonly driverArea: readonly number[];
  readonly deviceArea: readonly number[];
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

  #parts(): readonly AddressRegister[] {
    return [this.descTable, this.driverArea, this.deviceArea];
  }

  /** As before a driver came. */
  reset(): void {
    this.size = this.#most;
    for (const part of this.#parts()) {
      part.low = 0;
      part.high = 0;
    }
  }

  save(): QueueRegistersState {
    const [descTable, driverArea, deviceArea] = this.#parts().map(({ low, high }) => [low, high]) as [
      number[],
      number[],
      number[],
    ];
    return { size: this.size, descTable, driverArea, deviceArea };
  }

  /** Checks what another set of registers held. @returns what takes it over @throws TypeError, RangeError */
  prepare(name: string, state: unknown): () => void {
    const { size: savedSize, descTable, driverArea, deviceArea } = stateRecord(name, state);
    const size = stateInteger(`${name}.size`, savedSize, 1, this.#most);
    const parts = [descTable, driverArea, deviceArea].map((part) => stateIntegers(name, part, 2, 2, 0xffff_ffff));
    return () => {
      this.size = size;
      for (const [i, register] of this.#parts().entries()) {
        register.low = parts[i]?.[0] ?? 0;
        register.high = parts[i]?.[1] ?? 0;
      }
    };
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
