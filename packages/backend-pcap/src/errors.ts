/**
 * A file that is no capture, or a broken one. The message says what is wrong and where.
 */
export class PcapFormatError extends Error {
  override readonly name: string = "PcapFormatError";
  /** Where in the file, in bytes from its start. */
  readonly offset: number;

  /**
   * @param problem what is wrong, without the place
   * @param offset where, in bytes from the start of the file
   */
  constructor(problem: string, offset: number) {
    super(`${problem}, at byte ${offset} of the file`);
    this.offset = offset;
  }
}
