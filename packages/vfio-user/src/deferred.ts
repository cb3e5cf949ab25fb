/** Tasks that wait until the commands at hand are answered; at the latest the next turn of the event loop does them. */
export class Deferred {
  #tasks: (() => void)[] = [];

  /** Adds a task, to be done once. */
  add(task: () => void): void {
    if (this.#tasks.length === 0) setImmediate(() => this.run());
    this.#tasks.push(task);
  }

  /** Does what there is. Tasks that these add wait for the next time. */
  run(): void {
    if (this.#tasks.length === 0) return;
    const tasks = this.#tasks;
    this.#tasks = [];
    for (const task of tasks) task();
  }
}
