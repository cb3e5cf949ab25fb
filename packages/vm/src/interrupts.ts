/**
 * How a device interrupts the guest. The VMM implements it over its interrupt controllers.
 */
export interface InterruptController {
  /**
   * Sets the level of an interrupt line. Level-triggered: the guest is interrupted as long as the level is true
   * and its interrupt controller lets it through.
   * @param line the VMM's number for the line; vmmkit only hands back what the VMM gave it
   */
  setLine(line: number, level: boolean): void;

  /**
   * Signals a message (MSI, MSI-X). Absent where the VMM has no message-signalled interrupts; a device then
   * offers the guest none.
   * @param addressLow bits 0-31 of the message address
   * @param addressHigh bits 32-63
   * @param data the message
   */
  signalMessage?(addressLow: number, addressHigh: number, data: number): void;

  /**
   * Signals one of this function's MSI-X vectors, by its number, for a VMM that keeps the function's MSI-X table itself
   * (VFIO does). Where it is there, a device calls it and not `signalMessage`, and does no masking of its own.
   */
  signalVector?(vector: number): void;
}

/**
 * Lines that several devices share, as PCI's INTA# to INTD# are: a line is high as long as one of its devices
 * drives it high (wired OR). Each device gets a controller of its own from `source`.
 */
export class SharedInterruptLines {
  readonly #target: InterruptController;
  readonly #drivers = new Map<number, number>();

  /** @param target where the joined levels go */
  constructor(target: InterruptController) {
    this.#target = target;
  }

  /** A controller for one device. It keeps the levels that this device drives apart from everybody else's. */
  source(): InterruptController {
    const high = new Set<number>();
    const controller: InterruptController = {
      setLine: (line, level) => {
        if (high.has(line) === level) return;
        if (level) high.add(line);
        else high.delete(line);
        this.#count(line, level ? 1 : -1);
      },
    };
    const signalMessage = this.#target.signalMessage?.bind(this.#target);
    return signalMessage === undefined ? controller : { ...controller, signalMessage };
  }

  #count(line: number, change: number): void {
    const before = this.#drivers.get(line) ?? 0;
    const after = before + change;
    this.#drivers.set(line, after);
    if (before === 0 || after === 0) this.#target.setLine(line, after > 0);
  }
}
