import type { InterruptController } from "@vmmkit/vm";
import { V86RangeError } from "./errors.ts";
import { type V86Cpu, v86ConfigSpace } from "./internals.ts";
import { ISA_IRQS, type IsaIrqs } from "./isa-irqs.ts";

/** PIRQA# to PIRQD#. */
const PIRQS = 4;

/** The PIIX3's ISA bridge: device 1, function 0. Its registers 0x60 to 0x63 route the four PIRQs. */
const ISA_BRIDGE_DEVFN = 1 << 3;
const PIRQ_ROUTES = 0x60 >> 2;
const ROUTE_DISABLED = 0x80;

/** Interrupts that the PIIX3 lets a PIRQ be routed to: not the timer, keyboard, cascade, clock and coprocessor. */
const ROUTABLE = 0b1101_1110_1111_1000;

const NOWHERE = -1;

/**
 * The PIRQ that a function's interrupt pin is wired to on a PC of this chipset: each slot shifts the pins by one.
 * @param dev device number, 0 to 31
 * @param pin 1 to 4 for INTA# to INTD#
 * @returns 0 to 3 for PIRQA# to PIRQD#
 */
export function pirqOf(dev: number, pin: number): number {
  return (dev - 1 + (pin - 1)) & 3;
}

/**
 * Interrupt lines of the machine: 0 to 3 are PIRQA# to PIRQD#, which the guest routes to ISA interrupts through
 * the bridge, and 4 to 15 are the ISA interrupts of these numbers, past the bridge.
 */
export class PirqRouter implements InterruptController {
  readonly #irqs: IsaIrqs;
  readonly #cpu: V86Cpu;
  readonly #level: boolean[] = new Array<boolean>(ISA_IRQS).fill(false);
  /** Per line the ISA interrupt that it holds high now, or NOWHERE. */
  readonly #held: number[] = new Array<number>(ISA_IRQS).fill(NOWHERE);
  /** How many lines are high. */
  #high = 0;

  constructor(cpu: V86Cpu, irqs: IsaIrqs) {
    this.#cpu = cpu;
    this.#irqs = irqs;
  }

  /** @throws V86RangeError for a line that there is not */
  setLine(line: number, level: boolean): void {
    if (!Number.isInteger(line) || line < 0 || line >= ISA_IRQS) {
      throw new V86RangeError(`"line" expected a PIRQ from 0 to 3 or an ISA interrupt from 4 to 15, got ${line}`);
    }
    if (this.#level[line] === level) return;
    this.#level[line] = level;
    this.#high += level ? 1 : -1;
    this.#update(line);
  }

  /** Follows the bridge's registers: the guest may have routed lines that are high to other interrupts. */
  reroute(): void {
    for (let line = 0; line < PIRQS; line++) this.#update(line);
  }

  /** Between time slices: makes sure that the interrupt controllers know of every line that is high. */
  refresh(): void {
    if (this.#high === 0) return;
    this.reroute();
    this.#irqs.refresh();
  }

  /** The ISA interrupt that a line reaches now, or -1 for none. */
  irqOf(line: number): number {
    if (line >= PIRQS) return line;
    const word = v86ConfigSpace(this.#cpu, ISA_BRIDGE_DEVFN)?.[PIRQ_ROUTES] ?? 0;
    const route = (word >>> (8 * line)) & 0xff;
    const routable = (route & ROUTE_DISABLED) === 0 && ((ROUTABLE >>> (route & 0xf)) & 1) === 1;
    return routable ? route & 0xf : NOWHERE;
  }

  #update(line: number): void {
    const wanted = this.#level[line] === true ? this.irqOf(line) : NOWHERE;
    const held = this.#held[line] ?? NOWHERE;
    if (wanted === held) return;
    this.#held[line] = wanted;
    if (held !== NOWHERE) this.#irqs.release(held);
    if (wanted !== NOWHERE) this.#irqs.assert(wanted);
  }
}
