import { readFileSync } from "node:fs";
import { describe, expect, it, onTestFinished } from "vitest";
import { EventFd, type Fd, openFile, Poller, Ready, threadPoller, type Watch } from "../src/index.ts";
import { collectGarbage } from "./support/collect.ts";
import { testPair } from "./support/pipe.ts";
import { runScript } from "./support/run-script.ts";

function testPoller(): Poller {
  const poller = new Poller();
  onTestFinished(() => poller.close());
  return poller;
}

function testBells(count: number): EventFd[] {
  const bells = Array.from({ length: count }, () => new EventFd());
  onTestFinished(() => {
    for (const bell of bells) bell.close();
  });
  return bells;
}

const threads = (): number => Number(/^Threads:\s+(\d+)/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1]);

describe("many descriptors", () => {
  it("are watched without a thread for any of them", async () => {
    const poller = testPoller();
    const bells = testBells(500);
    const before = threads();
    let left = bells.length;
    await new Promise<void>((resolve) => {
      for (const bell of bells) {
        poller.watch(bell.fd, Ready.Read, () => {
          expect(bell.take()).toBe(1);
          if (--left === 0) resolve();
        });
      }
      expect(poller.size).toBe(500);
      for (const bell of bells) bell.signal();
    });
    expect(threads()).toBe(before);
  });

  it("each is told of its own, in the event loop and in wait alike", () => {
    const poller = testPoller();
    const bells = testBells(200);
    const told: number[] = [];
    for (const [i, bell] of bells.entries()) {
      poller.watch(bell.fd, Ready.Read, () => {
        bell.take();
        told.push(i);
      });
    }
    for (const i of [3, 77, 199]) bells[i]?.signal();
    expect(poller.wait(1000)).toBe(3);
    expect(told.sort((a, b) => a - b)).toEqual([3, 77, 199]);
    // More than are taken at a time.
    for (const bell of bells) bell.signal();
    while (poller.wait(0) > 0);
    expect(told).toHaveLength(203);
  });

  it("a descriptor is in one watch, a file that is always ready in none", () => {
    const poller = testPoller();
    const [bell] = testBells(1);
    if (bell === undefined) return;
    poller.watch(bell.fd, Ready.Read, () => {});
    expect(() => poller.watch(bell.fd, Ready.Read, () => {})).toThrow("EEXIST");
    const file = openFile("/proc/self/status");
    expect(() => poller.watch(file, Ready.Read, () => {})).toThrow("EPERM");
    file.close();
    expect(poller.size).toBe(1);
  });
});

describe("closing", () => {
  it("in the middle of a batch: a watch that is closed by another's listener is not told", () => {
    const poller = testPoller();
    const bells = testBells(2);
    const watches: Watch[] = [];
    let told = 0;
    for (const bell of bells) {
      watches.push(
        poller.watch(bell.fd, Ready.Read, () => {
          told++;
          for (const watch of watches) watch.close();
        }),
      );
      bell.signal();
    }
    expect(poller.wait(0)).toBe(2);
    expect(told).toBe(1);
  });

  it("an event for a watch that is gone is not told to the one that has its place", () => {
    const poller = testPoller();
    const [first, second, third] = testBells(3);
    if (first === undefined || second === undefined || third === undefined) return;
    const told: string[] = [];
    const replace = (other: Watch, name: string): void => {
      other.close();
      poller.watch(third.fd, Ready.Read, () => told.push(name));
    };
    const watches: Watch[] = [];
    watches.push(
      poller.watch(first.fd, Ready.Read, () => {
        told.push("first");
        if (watches[1] !== undefined) replace(watches[1], "third");
      }),
      poller.watch(second.fd, Ready.Read, () => {
        told.push("second");
        if (watches[0] !== undefined) replace(watches[0], "third");
      }),
    );
    first.signal();
    second.signal();
    poller.wait(0);
    expect(told).toHaveLength(1);
    expect(told).not.toContain("third");
  });

  it("while the event loop waits: at once, and the descriptor's next owner is not disturbed", async () => {
    const poller = testPoller();
    const [here, there] = testPair();
    poller.watch(here.fd, Ready.Read, () => {
      throw new Error("told after the descriptor was closed");
    });
    // The loop has waited for it by now.
    await new Promise((resolve) => setTimeout(resolve, 1));
    const number = here.fd.number;
    here.close();
    const [next] = testBells(1);
    expect(next?.fd.number).toBe(number);
    next?.signal();
    there.close();
    await new Promise((resolve) => setTimeout(resolve, 1));
    expect(poller.size).toBe(0);
  });

  it("a poller closes its watches and leaves their descriptors open", () => {
    const poller = new Poller();
    const [bell] = testBells(1);
    if (bell === undefined) return;
    const watch = poller.watch(bell.fd, Ready.Read, () => {});
    poller.close();
    poller.close();
    expect([watch.closed, bell.fd.closed]).toEqual([true, false]);
    expect(() => poller.wait(0)).toThrow("closed");
  });

  it("from within a listener in the event loop, the poller itself", async () => {
    const poller = new Poller();
    const [bell] = testBells(1);
    if (bell === undefined) return;
    let told = 0;
    await new Promise<void>((resolve) => {
      poller.watch(bell.fd, Ready.Read, () => {
        told++;
        poller.close();
        resolve();
      });
      bell.signal();
    });
    await new Promise((resolve) => setTimeout(resolve, 1));
    expect(told).toBe(1);
  });
});

/** A watch that only the poller knows of. */
function watchAndForget(poller: Poller, bell: EventFd, onTold: () => void): void {
  poller.watch(bell.fd, Ready.Read, () => {
    bell.take();
    onTold();
  });
}

describe("what nobody keeps", () => {
  it("a watch goes on after a collection: an unreferenced handle in the loop would be collected and stop", async () => {
    const [bell] = testBells(1);
    if (bell === undefined) return;
    let told = 0;
    watchAndForget(testPoller(), bell, () => told++);
    for (let i = 1; i <= 3; i++) {
      await collectGarbage();
      bell.signal();
      while (told < i) await new Promise((resolve) => setImmediate(resolve));
    }
    expect(told).toBe(3);
  });
});

describe("a listener that throws", () => {
  it("is an uncaught exception of the process, and the others are told all the same, then and later", async () => {
    const { code, stdout } = await runScript(`
      const { EventFd, Poller, Ready } = posix;
      process.on("uncaughtException", (error) => console.log("uncaught", error.message));
      const poller = new Poller();
      const bells = [new EventFd(), new EventFd()];
      let turns = 0;
      poller.watch(bells[0].fd, Ready.Read, () => { bells[0].take(); throw new Error("oops"); });
      poller.watch(bells[1].fd, Ready.Read, () => {
        bells[1].take();
        console.log("told", ++turns);
        if (turns === 2) poller.close();
        else setTimeout(() => { for (const bell of bells) bell.signal(); }, 10);
      });
      for (const bell of bells) bell.signal();
    `);
    expect(code).toBe(0);
    expect(stdout.trim().split("\n").sort()).toEqual(["told 1", "told 2", "uncaught oops", "uncaught oops"]);
  });

  it("in wait: the error comes out of it once all were told", () => {
    const poller = testPoller();
    const bells = testBells(2);
    let told = 0;
    for (const bell of bells) {
      poller.watch(bell.fd, Ready.Read, () => {
        told++;
        throw new Error(`oops ${bell.take()}`);
      });
      bell.signal();
    }
    expect(() => poller.wait(0)).toThrow("oops 1");
    expect(told).toBe(2);
    expect(poller.wait(0)).toBe(0);
  });

  it("a listener cannot wait on its own poller, but on another", () => {
    const [poller, other] = [testPoller(), testPoller()];
    const [bell] = testBells(1);
    if (bell === undefined) return;
    const waits: unknown[] = [];
    poller.watch(bell.fd, Ready.Read, () => {
      bell.take();
      waits.push(other.wait(0));
      poller.wait(0);
    });
    bell.signal();
    expect(() => poller.wait(0)).toThrow("a listener cannot wait on its own poller");
    expect(waits).toEqual([0]);
  });
});

describe("the process", () => {
  const WATCH = `
    const { EventFd, Ready, threadPoller } = posix;
    const bell = new EventFd();
    const watch = threadPoller().watch(bell.fd, Ready.Read, () => { console.log("told"); watch.close(); });
  `;

  it("ends when nothing is open", async () => {
    const closed = await runScript(`${WATCH} watch.close(); console.log("end");`);
    expect(closed).toEqual({ code: 0, stdout: "end\n", stderr: "" });
  });

  it("lives as long as a watch waits, and ends after it", async () => {
    const { code, stdout } = await runScript(`${WATCH} setTimeout(() => bell.signal(), 50).unref();
      // Another thread's timer would do; this one is unreferenced, so only the watch keeps the process alive.`);
    expect([code, stdout]).toEqual([0, "told\n"]);
  });

  it("ends although a watch waits that was unreferenced, or that waits for nothing", async () => {
    const unreferenced = await runScript(`${WATCH} watch.unref();`);
    expect([unreferenced.code, unreferenced.stdout]).toEqual([0, ""]);
    const idle = await runScript(`${WATCH} watch.setEvents(0);`);
    expect([idle.code, idle.stdout]).toEqual([0, ""]);
    const again = await runScript(`${WATCH} watch.unref(); watch.ref(); setTimeout(() => bell.signal(), 50).unref();`);
    expect([again.code, again.stdout]).toEqual([0, "told\n"]);
  });

  it("survives collections while it waits for an unreferenced watch", async () => {
    const { code, stdout } = await runScript(
      `${WATCH} watch.unref();
      for (let i = 0; i < 5; i++) { gc(); await new Promise((resolve) => setTimeout(resolve, 10)); }
      bell.signal();
      await new Promise((resolve) => setTimeout(resolve, 200));`,
      ["--expose-gc"],
    );
    expect([code, stdout]).toEqual([0, "told\n"]);
  });
});

describe("the thread's poller", () => {
  it("is one", () => expect(threadPoller()).toBe(threadPoller()));

  it("another thread has its own, which waits in it without an event loop", async () => {
    const { code, stdout } = await runScript(`
      const { Worker } = await import("node:worker_threads");
      const bell = new posix.EventFd();
      const source = \`
        const { workerData, parentPort } = require("node:worker_threads");
        import("tsx/esm/api").then(({ register }) => register()).then(() => import(workerData.index)).then(({ EventFd, Fd, Poller, Ready }) => {
          const bell = new EventFd(new Fd(workerData.number));
          const poller = new Poller();
          let count = 0;
          poller.watch(bell.fd, Ready.Read, () => { count += bell.take(); });
          parentPort.postMessage("waits");
          while (count < 2) poller.wait(-1);
          poller.close();
          parentPort.postMessage(count);
        });
      \`;
      const index = ${JSON.stringify(new URL("../src/index.ts", import.meta.url).href)};
      const number = bell.fd.duplicate().release();
      const worker = new Worker(source, { eval: true, execArgv: [], workerData: { index, number } });
      worker.on("message", (message) => {
        console.log(message);
        if (message === "waits") { bell.signal(); bell.signal(); }
      });
    `);
    expect([code, stdout]).toEqual([0, "waits\n2\n"]);
  });
});

it("a descriptor that somebody else closed is not waited for any longer, and nothing is thrown", () => {
  const poller = testPoller();
  const [bell] = testBells(1);
  if (bell === undefined) return;
  const copy: Fd = bell.fd.duplicate();
  poller.watch(copy, Ready.Read, () => {});
  copy.close();
  bell.signal();
  expect(poller.wait(0)).toBe(0);
});

describe("one thing upon the other, in the event loop", () => {
  it("what a listener makes ready is found in the same turn", async () => {
    const poller = testPoller();
    const [first, second] = testBells(2);
    if (first === undefined || second === undefined) return;
    const order: string[] = [];
    poller.watch(second.fd, Ready.Read, () => {
      second.take();
      order.push("second");
    });
    poller.watch(first.fd, Ready.Read, () => {
      first.take();
      order.push("first");
      setImmediate(() => order.push("next turn"));
      second.signal();
    });
    first.signal();
    while (order.length < 3) await new Promise((resolve) => setImmediate(resolve));
    expect(order).toEqual(["first", "second", "next turn"]);
  });

  it("without end leaves the event loop to others", async () => {
    const poller = testPoller();
    const [bell] = testBells(1);
    if (bell === undefined) return;
    let told = 0;
    // It is never taken, so each look finds it.
    const watch = poller.watch(bell.fd, Ready.Read, () => told++);
    bell.signal();
    for (let turns = 0; turns < 50; turns++) await new Promise((resolve) => setImmediate(resolve));
    watch.close();
    expect(told).toBeGreaterThan(50);
    expect(told).toBeLessThan(1000);
  });
});

describe("spinning", () => {
  it("finds what comes while it looks, in the same turn of the event loop", async () => {
    const poller = new Poller({ spinUs: 500 });
    const [first, second] = [new EventFd(), new EventFd()];
    const order: string[] = [];
    poller.watch(second.fd, Ready.Read, () => {
      second.take();
      order.push("second");
    });
    poller.watch(first.fd, Ready.Read, () => {
      first.take();
      order.push("first");
      setImmediate(() => order.push("next turn"));
      second.signal();
    });
    first.signal();
    while (order.length < 3) await new Promise((resolve) => setImmediate(resolve));
    expect(order).toEqual(["first", "second", "next turn"]);
    poller.close();
    first.close();
    second.close();
  });

  it.each([-1, 501, Number.NaN])("for %i microseconds is refused", (spinUs) => {
    expect(() => new Poller({ spinUs })).toThrow(RangeError);
  });
});
