import { isMulticast, MAC_BYTES } from "@vmmkit/ethif";
import { FULL_ROOM } from "../bench.ts";
import type { Check } from "../check.ts";
import { expectThat } from "../compliance-error.ts";
import { nextTurn } from "../deadline.ts";

const linkInfo: Check = {
  name: "describes its link sanely",
  async run({ link }) {
    expectThat(link.mac instanceof Uint8Array && link.mac.length === MAC_BYTES, '"mac" is not six bytes');
    expectThat(!isMulticast(link.mac), '"mac" names a group');
    expectThat(
      link.mac.some((byte) => byte !== 0),
      '"mac" is all zeros',
    );
    const mtuOk = Number.isInteger(link.mtu) && link.mtu >= 68 && link.mtu <= 65535;
    expectThat(mtuOk, `"mtu" is ${link.mtu}`);
    for (const bits of [link.txOffloads ?? 0, link.rxOffloads ?? 0]) {
      expectThat(Number.isInteger(bits) && bits >= 0 && bits < 64, `offloads are ${bits}`);
    }
  },
};

const mac: Check = {
  name: "getMac answers the link's address",
  async run(bench) {
    const answered = bench.backend.getMac(bench.card.driver);
    expectThat(
      String(answered) === String(bench.link.mac),
      `getMac answered ${answered}, the link has ${bench.link.mac}`,
    );
  },
};

const state: Check = {
  name: "describes its state in words",
  async run(bench) {
    bench.card.post(4, [FULL_ROOM]);
    await bench.expectCarried(bench.frame(60), "to the peer");
    const text = bench.backend.printState(bench.card.driver);
    expectThat(typeof text === "string" && text.trim().length > 0, "printState answered nothing");
  },
};

const irq: Check = {
  name: "interrupts the guest through the card",
  async run(bench) {
    for (const number of [0, 1, -1]) bench.backend.rawHandleIRQ(bench.card.driver, number);
    expectThat(String(bench.card.irqs) === "0,1,-1", `raiseIrq was called with [${bench.card.irqs}], not [0,1,-1]`);
  },
};

const idle: Check = {
  name: "bears calls without work",
  async run(bench) {
    bench.card.flush();
    bench.card.poll();
    bench.card.post(4, [FULL_ROOM]);
    bench.card.poll();
    bench.card.flush();
    await bench.expectCarried(bench.frame(60), "to the peer");
    expectThat(bench.card.received.length === 0, "a frame came out of nothing");
  },
};

const carrier: Check = {
  name: "tells the card when the carrier comes and goes",
  needs: ({ peer }) => (peer?.setLink === undefined ? "its carrier cannot be taken away from the far end" : null),
  async run(bench) {
    const setLink = bench.made.peer?.setLink;
    for (const up of [false, true]) {
      await setLink?.(up);
      await bench.until(
        () => bench.card.linkChanges.at(-1) === up,
        () => `linkChange(${up}) was not called`,
      );
    }
    bench.card.post(4, [FULL_ROOM]);
    await bench.untilCardReceives();
  },
};

const failing: Check = {
  name: "does not throw when its host fails",
  needs: ({ fail }) => (fail === undefined ? "its host cannot be made to fail" : null),
  async run(bench) {
    bench.card.post(16, [FULL_ROOM]);
    await bench.made.fail?.();
    for (let i = 0; i < 16; i++) {
      bench.card.transmit(bench.frame(60));
      bench.card.flush();
      bench.card.poll();
      await nextTurn();
    }
    bench.backend.printState(bench.card.driver);
    await bench.close();
    expectThat(bench.card.lent === 0, `${bench.card.lent} frames were not completed by close`);
  },
};

/** What it says about itself, and whether it tells the card. */
export const informationChecks: readonly Check[] = [linkInfo, mac, state, irq, idle, carrier, failing];
