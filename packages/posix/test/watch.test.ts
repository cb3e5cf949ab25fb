import { describe, expect, it, onTestFinished } from "vitest";
import { ClosedError, Poller, Ready, Shutdown } from "../src/index.ts";
import { testPair } from "./support/pipe.ts";

function testPoller(): Poller {
  const poller = new Poller();
  onTestFinished(() => poller.close());
  return poller;
}

describe("Watch", () => {
  it("is told what it waits for, as long as that is so", () => {
    const poller = testPoller();
    const [here, there] = testPair();
    const told: number[] = [];
    const watch = poller.watch(here.fd, Ready.Read, (ready) => told.push(ready));
    expect(poller.wait(0)).toBe(0);
    there.fd.write(Uint8Array.of(1));
    poller.wait(0);
    poller.wait(0);
    expect(told).toEqual([Ready.Read, Ready.Read]);
    watch.setEvents(Ready.Write);
    poller.wait(0);
    expect(told.at(-1)).toBe(Ready.Write);
    watch.setEvents(Ready.Read | Ready.Write);
    poller.wait(0);
    expect(told.at(-1)).toBe(Ready.Read | Ready.Write);
    expect(watch.events).toBe(Ready.Read | Ready.Write);
  });

  it("waits for nothing at 0, errors neither, until it waits for something again", () => {
    const poller = testPoller();
    const [here, there] = testPair();
    const told: number[] = [];
    const watch = poller.watch(here.fd, Ready.Read, (ready) => told.push(ready));
    watch.setEvents(0);
    there.close();
    expect(poller.wait(0)).toBe(0);
    watch.setEvents(Ready.Read);
    poller.wait(0);
    expect((told[0] ?? 0) & Ready.HangUp).toBe(Ready.HangUp);
  });

  it("is told of the other side's end though it only waits to write", () => {
    const poller = testPoller();
    const [here, there] = testPair();
    let told = 0;
    poller.watch(here.fd, Ready.Write, (ready) => {
      told = ready;
    });
    there.shutdown(Shutdown.Both);
    poller.wait(0);
    expect(told & Ready.HangUp).toBe(Ready.HangUp);
  });

  it("is closed once, ends at once, and then takes no more orders", () => {
    const poller = testPoller();
    const [here, there] = testPair();
    const watch = poller.watch(here.fd, Ready.Read, () => {
      throw new Error("called after it was closed");
    });
    there.fd.write(Uint8Array.of(1));
    watch.close();
    watch.close();
    expect([watch.closed, poller.size, poller.wait(0)]).toEqual([true, 0, 0]);
    expect(() => watch.setEvents(Ready.Read)).toThrow(ClosedError);
  });

  it("closes when its descriptor is closed", () => {
    const poller = testPoller();
    const [here] = testPair();
    const watch = poller.watch(here.fd, Ready.Read, () => {});
    here.close();
    expect([watch.closed, poller.size]).toEqual([true, 0]);
  });
});
