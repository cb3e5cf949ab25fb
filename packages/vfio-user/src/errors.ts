/** A client's command cannot be carried out. It goes back as the reply's error and never out of this package. */
export class CommandError extends Error {
  override readonly name = "CommandError";
  /** As Linux numbers it, positive. */
  readonly errno: number;

  constructor(errno: number, message: string) {
    super(message);
    this.errno = errno;
  }
}
