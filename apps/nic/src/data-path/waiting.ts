import { Poller } from "@vmmkit/posix";
import type { Waiting } from "../config.ts";

/** What waits for the descriptors of a data path. */
export interface Waiter {
  readonly poller: Poller;
  close(): void;
}

/** @param spinUs for how long it goes on looking with "adaptive" */
export function makeWaiter(waiting: Waiting, spinUs: number): Waiter {
  const poller = new Poller({ spinUs: waiting === "adaptive" ? spinUs : 0 });
  let isOpen = true;
  // Orders come through the event loop, which has a turn between any two looks.
  const look = (): void => {
    if (!isOpen) return;
    poller.wait(0);
    setImmediate(look);
  };
  if (waiting === "poll") look();
  return {
    poller,
    close: () => {
      isOpen = false;
      poller.close();
    },
  };
}
