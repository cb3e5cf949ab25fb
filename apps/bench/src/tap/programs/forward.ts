import { tapBackend } from "@vmmkit/backend-tap";
import { Offload, type TxResult } from "@vmmkit/ethif";
import { CableEnd, returning } from "./cable.ts";

const OFFLOADS = Offload.Csum | Offload.Tso4 | Offload.Tso6 | Offload.Ecn;

/** Where an interface is: the path of its network namespace, and its name. */
export type Place = readonly [network: string, name: string];

/**
 * Two interfaces that there are, joined: what comes out of one goes into the other, segments and all.
 * @param inNetwork does something in a network namespace
 * @returns what ends it
 */
export function forward(inNetwork: <T>(path: string, action: () => T) => T, one: Place, two: Place): () => void {
  const [first, second] = [one, two].map(([network, name]) =>
    inNetwork(network, () => tapBackend({ name, existing: true, vnetHeader: true })),
  );
  if (first === undefined || second === undefined) throw new RangeError("there are two ends");
  // What waits for the kernel is in the room that it came in, on the other side.
  const ends: [CableEnd, CableEnd] = [
    new CableEnd(
      returning(first, (cookie) => ends[1].give(cookie)),
      (frame): TxResult => second.rawTx(ends[1].driver, frame, frame.cookie),
      () => second.rawTxFlush?.(ends[1].driver),
    ),
    new CableEnd(
      returning(second, (cookie) => ends[0].give(cookie)),
      (frame): TxResult => first.rawTx(ends[0].driver, frame, frame.cookie),
      () => first.rawTxFlush?.(ends[0].driver),
    ),
  ];
  first.setRxOffloads(ends[0].driver, OFFLOADS);
  second.setRxOffloads(ends[1].driver, OFFLOADS);
  return () => {
    void first.close();
    void second.close();
  };
}
