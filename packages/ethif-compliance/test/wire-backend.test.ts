import { expect, test } from "vitest";
import { checks, runCheck, testBackend } from "../src/index.ts";
import { WIRE_KEEPS, type Wire, wire } from "./support/wire-backend.ts";

testBackend({ name: "a wire that does everything right, later", keeps: WIRE_KEEPS, setup: wire });

/** What a broken wire does, how, the test that has to catch it, and its message. */
const broken: readonly [string, (whole: Wire) => Partial<Wire>, string, RegExp][] = [
  [
    "says nothing of its carrier",
    ({ peer }) => ({ peer: { ...peer, setLink: () => {} } }),
    "tells the card when the carrier comes and goes",
    /linkChange\(false\) was not called/,
  ],
  [
    "throws when its host fails",
    ({ backend }) => ({
      backend,
      fail: () => {
        backend.rawTx = () => {
          throw new Error("no such device");
        };
      },
    }),
    "does not throw when its host fails",
    /no such device/,
  ],
  [
    "sends nothing any more after its peer paused",
    ({ peer }) => ({ peer: { ...peer, resume: () => {} } }),
    "leaves enqueued frames where they are, and completes each once",
    /did not reach the peer/,
  ],
  [
    "loses frames for the card that it says it keeps",
    ({ peer }) => {
      let count = 0;
      return { peer: { ...peer, send: (frame) => (++count % 5 === 0 ? undefined : peer.send(frame)) } };
    },
    "keeps frames while the guest has no room, and delivers them in order",
    /expected a frame/,
  ],
  [
    "goes on after it was closed",
    ({ backend, peer }) => ({
      backend: { ...backend, close: async () => {} },
      peer,
    }),
    "answers Failed and calls nothing after it was closed",
    /closed/,
  ],
];

for (const [does, change, name, message] of broken) {
  test(`a wire that ${does} fails "${name}"`, async () => {
    const check = checks.find((other) => other.name === name);
    if (check === undefined) throw new RangeError(`there is no check "${name}"`);
    const setup = (): Wire => {
      const whole = wire();
      return { ...whole, ...change(whole) };
    };
    await expect(runCheck(check, { name: does, keeps: WIRE_KEEPS, deadlineMs: 60, setup })).rejects.toThrow(message);
  });
}
