/** libpcap refused an interface or a filter. The message says which, why, and where it is known what to do. */
export class LiveCaptureError extends Error {
  override readonly name = "LiveCaptureError";
  /** The interface. */
  readonly interfaceName: string;

  /** @param problem in libpcap's words */
  constructor(interfaceName: string, problem: string, hint?: string) {
    super(`interface "${interfaceName}": ${problem}${hint === undefined ? "" : `; ${hint}`}`);
    this.interfaceName = interfaceName;
  }
}
