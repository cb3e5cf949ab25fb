/** A promise and what settles it. A rejection that nobody waits for is no error. */
export interface Deferred<T> {
  readonly promise: Promise<T>;
  readonly resolve: (value: T) => void;
  readonly reject: (reason: Error) => void;
}

/** Makes one. (Node 20 has no `Promise.withResolvers`.) */
export function deferred<T>(): Deferred<T> {
  let settle: Pick<Deferred<T>, "resolve" | "reject"> | undefined;
  const promise = new Promise<T>((resolve, reject) => {
    settle = { resolve, reject };
  });
  promise.catch(() => {});
  // The executor above has run before the constructor returned.
  return { promise, ...(settle as Pick<Deferred<T>, "resolve" | "reject">) };
}
