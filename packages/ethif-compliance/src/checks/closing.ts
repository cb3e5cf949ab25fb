import { TxResult } from "@vmmkit/ethif";
import { FULL_ROOM } from "../bench.ts";
import type { Check } from "../check.ts";
import { expectThat } from "../compliance-error.ts";
import { nextTurn, within } from "../deadline.ts";

const busy: Check = {
  name: "gives back all frames and rooms when it is closed while busy",
  async run(bench) {
    await bench.made.peer?.pause?.();
    for (let i = 0; i < 64; i++) {
      bench.card.transmit(bench.frame(60));
      if (bench.topology === "wire" && i < bench.keeps) await bench.peer.send(bench.frame(60, "to the card"));
    }
    bench.card.flush();
    await bench.close();
    expectThat(bench.card.lent === 0, `${bench.card.lent} frames were not completed by close`);
    expectThat(bench.card.roomsOut === 0, `${bench.card.roomsOut} rooms were not given back by close`);
  },
};

const unflushed: Check = {
  name: "gives back rooms that it holds when it is closed before a flush",
  async run(bench) {
    bench.card.post(16, [FULL_ROOM]);
    for (let i = 0; i < 8; i++) bench.card.transmit(bench.frame(60));
    await bench.close();
    expectThat(bench.card.lent === 0, `${bench.card.lent} frames were not completed by close`);
    expectThat(bench.card.roomsOut === 0, `${bench.card.roomsOut} rooms were not given back by close`);
  },
};

const twice: Check = {
  name: "may be closed twice, and twice at a time",
  async run(bench) {
    await Promise.all([bench.close(), bench.close()]);
    await bench.close();
  },
};

const afterwards: Check = {
  name: "answers Failed and calls nothing after it was closed",
  async run(bench) {
    bench.card.post(16, [FULL_ROOM]);
    await bench.expectCarried(bench.frame(60), "to the peer");
    await bench.close();
    const result = bench.card.transmit(bench.frame(60));
    expectThat(result === TxResult.Failed, `rawTx of a closed backend answered ${result}, not Failed`);
    const { driver } = bench.card;
    bench.card.flush();
    bench.card.poll();
    bench.backend.getMac(driver);
    expectThat(bench.backend.printState(driver).length > 0, "printState of a closed backend said nothing");
    await bench.tryToSendToCard(bench.frame(60, "to the card"));
    for (let turn = 0; turn < 5; turn++) await nextTurn();
  },
};

const inside: Check = {
  name: "may be closed from within the guest's interrupt",
  async run(bench) {
    bench.card.post(16, [FULL_ROOM]);
    let closing: Promise<void> | null = null;
    bench.card.onInterrupt = () => {
      closing ??= bench.backend.close();
    };
    for (let i = 0; i < 8; i++) await bench.tryToSendToCard(bench.frame(60, "to the card"));
    await bench.until(
      () => closing !== null,
      () => "a frame did not reach the card",
    );
    await within(closing ?? Promise.resolve(), bench.deadlineMs, "close did not come to an end");
    bench.card.closed = true;
    expectThat(bench.card.lent === 0, `${bench.card.lent} frames were not completed by close`);
    expectThat(bench.card.roomsOut === 0, `${bench.card.roomsOut} rooms were not given back by close`);
  },
};

/** Whether it ends as it should. */
export const closingChecks: readonly Check[] = [busy, unflushed, twice, afterwards, inside];
