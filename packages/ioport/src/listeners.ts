/** Who is told of changes. A listener that comes or goes during a call does not disturb it. */
export class Listeners<Change> {
  #listeners: ((change: Change) => void)[] = [];

  /** @returns stops the calls. The same function added twice is called twice */
  add(listener: (change: Change) => void): () => void {
    const own = (change: Change): void => listener(change);
    this.#listeners = [...this.#listeners, own];
    return () => {
      this.#listeners = this.#listeners.filter((other) => other !== own);
    };
  }

  tell(change: Change): void {
    for (const listener of this.#listeners) listener(change);
  }
}
