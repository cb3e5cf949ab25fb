import type { FromChild, FromParent } from "./supervised-messages.ts";

/** What a supervised process does. Each may answer with a promise; what is thrown is the supervisor's to hear. */
export interface SupervisedBody {
  /**
   * Begins, once.
   * @param data of `SupervisedOptions.start`
   * @param log says something to people, through the supervisor
   */
  start(data: unknown, log: (line: string) => void): void | Promise<void>;
  /** Answers what `SupervisedProcess.ask` asks, after `start` has succeeded. */
  answer(request: unknown): unknown;
  /** Gives back what it has; the process ends behind it. */
  close(): void | Promise<void>;
}

/** Makes this process the one that a `SupervisedProcess` started: it does what it is told, and ends with its supervisor. */
export function runSupervised(body: SupervisedBody): void {
  let begun = (): void => {};
  const started = new Promise<void>((resolve) => {
    begun = resolve;
  });
  const messages = (message: FromParent): void => {
    if (message.kind === "close") void close(body);
    else if (message.kind === "start") {
      Promise.resolve()
        .then(() => body.start(message.data, (line) => send({ kind: "log", line })))
        .then(
          () => {
            begun();
            send({ kind: "ready" });
          },
          (error: unknown) => send({ kind: "failed", error: messageOf(error) }),
        );
    } else {
      const { id, request } = message;
      started
        .then(() => body.answer(request))
        .then(
          (value) => send({ kind: "answer", id, value }),
          (error: unknown) => send({ kind: "answer", id, error: messageOf(error) }),
        );
    }
  };
  process.on("message", messages);
  process.on("disconnect", () => void close(body));
  // Those are for the supervisor, which has them from the same terminal or service manager, and ends this process as it
  // sees fit.
  for (const signal of ["SIGINT", "SIGHUP", "SIGTERM"] as const) process.on(signal, () => {});
}

async function close(body: SupervisedBody): Promise<never> {
  try {
    await body.close();
  } finally {
    process.exit(0);
  }
}

function send(message: FromChild): void {
  if (process.connected) process.send?.(message, () => {});
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
