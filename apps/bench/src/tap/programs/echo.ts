import { tapBackend } from "@vmmkit/backend-tap";
import type { Frame, TxResult } from "@vmmkit/ethif";
import { type Poller, threadPoller } from "@vmmkit/posix";
import { CableEnd, returning } from "./cable.ts";

const MAC_BYTES = 6;

/**
 * A new interface whose frames come back to their sender.
 * @returns what ends it
 */
export function echo(name: string, poller: Poller = threadPoller()): () => void {
  const backend = tapBackend({ name, poller });
  const pass = (frame: Frame): TxResult => {
    swapAddresses(frame.bytes[0] ?? new Uint8Array(2 * MAC_BYTES));
    return backend.rawTx(cable.driver, frame, frame.cookie);
  };
  const cable: CableEnd = new CableEnd(
    returning(backend, (cookie) => cable.give(cookie)),
    pass,
    () => backend.rawTxFlush?.(cable.driver),
  );
  return () => void backend.close();
}

function swapAddresses(bytes: Uint8Array): void {
  for (let i = 0; i < MAC_BYTES; i++) {
    const byte = bytes[i] ?? 0;
    bytes[i] = bytes[i + MAC_BYTES] ?? 0;
    bytes[i + MAC_BYTES] = byte;
  }
}
