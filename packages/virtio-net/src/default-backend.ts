import { formatMac, type RawIfaceFuncs, randomMac, TxResult } from "@vmmkit/ethif";

/**
 * A backend that is safe to run as it is: frames count as sent and are dropped, none arrive, the address is random,
 * the MTU is 1500, and interrupts go to the card's own PCI interrupt (C original: `virtio_net_default_backend`).
 * A caller spreads it and replaces what it needs: `{ ...virtioNetDefaultBackend(), rawTx }`.
 */
export function virtioNetDefaultBackend(): RawIfaceFuncs {
  const mac = randomMac();
  let dropped = 0;
  return {
    lowLevelInit: () => ({ mac, mtu: 1500 }),
    rawTx: () => {
      dropped++;
      return TxResult.Complete;
    },
    rawPoll: () => {
      // No frames ever arrive here, so there is never one to deliver.
    },
    rawHandleIRQ: (driver, irq) => driver.raiseIrq(irq),
    getMac: () => mac,
    printState: (driver) => `${driver.name}: default backend, ${formatMac(mac)}, ${dropped} frames dropped`,
  };
}
