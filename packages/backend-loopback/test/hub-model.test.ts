import fc from "fast-check";
import { test } from "vitest";
import { Hub, type HubPort } from "../src/index.ts";
import { BROADCAST, Station } from "./support/cards.ts";

/** Addresses that guests send from and to: a few, so that they meet. */
const ADDRESSES = 6;

function address(index: number): Uint8Array {
  return index === ADDRESSES ? BROADCAST : Uint8Array.of(2, 0, 0, 0, 0, index);
}

/** What a hub does, in the plainest words: who gets a frame. */
class ModelSwitch {
  readonly ports = new Map<number, { linkUp: boolean }>();
  readonly #heardAt = new Map<number, number>();

  send(port: number, from: number, to: number): number[] {
    if (this.ports.get(port)?.linkUp !== true) return [];
    if (from !== ADDRESSES) this.#heardAt.set(from, port);
    const known = this.#heardAt.get(to);
    const receivers = known === undefined ? [...this.ports.keys()] : [known];
    return receivers.filter((receiver) => receiver !== port && this.ports.get(receiver)?.linkUp === true);
  }

  remove(port: number): void {
    this.ports.delete(port);
    for (const [mac, at] of this.#heardAt) if (at === port) this.#heardAt.delete(mac);
  }
}

interface World {
  readonly hub: Hub;
  readonly real: Map<number, { port: HubPort; station: Station }>;
  frames: number;
}

type Step = fc.Command<ModelSwitch, World>;

class Send implements Step {
  readonly #port: number;
  readonly #from: number;
  readonly #to: number;

  constructor(port: number, from: number, to: number) {
    this.#port = port;
    this.#from = from;
    this.#to = to;
  }

  check(model: ModelSwitch): boolean {
    return model.ports.has(this.#port);
  }

  run(model: ModelSwitch, world: World): void {
    const number = world.frames++;
    const receivers = model.send(this.#port, this.#from, this.#to);
    world.real.get(this.#port)?.station.send(number, address(this.#to), address(this.#from));
    for (const [index, { station }] of world.real) {
      const expected = receivers.includes(index) ? [number] : [];
      const arrived = station.arrived();
      if (String(arrived) !== String(expected)) {
        throw new Error(`port ${index} expected frames [${expected}], got [${arrived}]`);
      }
    }
  }

  toString(): string {
    return `port ${this.#port} sends from ${this.#from} to ${this.#to}`;
  }
}

class Open implements Step {
  readonly #port: number;

  constructor(port: number) {
    this.#port = port;
  }

  check(model: ModelSwitch): boolean {
    return !model.ports.has(this.#port);
  }

  run(model: ModelSwitch, world: World): void {
    model.ports.set(this.#port, { linkUp: true });
    const port = world.hub.port();
    world.real.set(this.#port, { port, station: new Station(port, 64, 1 << 18) });
  }

  toString(): string {
    return `port ${this.#port} opens`;
  }
}

class Close implements Step {
  readonly #port: number;

  constructor(port: number) {
    this.#port = port;
  }

  check(model: ModelSwitch): boolean {
    return model.ports.has(this.#port);
  }

  run(model: ModelSwitch, world: World): void {
    model.remove(this.#port);
    void world.real.get(this.#port)?.port.close();
    world.real.delete(this.#port);
  }

  toString(): string {
    return `port ${this.#port} closes`;
  }
}

class SetLink implements Step {
  readonly #port: number;
  readonly #up: boolean;

  constructor(port: number, up: boolean) {
    this.#port = port;
    this.#up = up;
  }

  check(model: ModelSwitch): boolean {
    return model.ports.has(this.#port);
  }

  run(model: ModelSwitch, world: World): void {
    model.ports.set(this.#port, { linkUp: this.#up });
    world.real.get(this.#port)?.port.setLink(this.#up);
  }

  toString(): string {
    return `port ${this.#port} link ${this.#up ? "up" : "down"}`;
  }
}

test("a hub gives each frame to whom a plain model of a switch gives it", { timeout: 30_000 }, () => {
  const port = fc.nat(3);
  const mac = fc.nat(ADDRESSES);
  const send = fc.tuple(port, mac, mac).map(([at, from, to]) => new Send(at, from, to));
  const steps = fc.commands(
    [
      send,
      send,
      send,
      port.map((at) => new Open(at)),
      port.map((at) => new Close(at)),
      fc.tuple(port, fc.boolean()).map(([at, up]) => new SetLink(at, up)),
    ],
    { maxCommands: 60, size: "max" },
  );
  fc.assert(
    fc.property(steps, (commands) => {
      const setup = (): { model: ModelSwitch; real: World } => {
        const model = new ModelSwitch();
        const real: World = { hub: new Hub(), real: new Map(), frames: 0 };
        for (let i = 0; i < 3; i++) new Open(i).run(model, real);
        return { model, real };
      };
      fc.modelRun(setup, commands);
    }),
    { numRuns: 100 },
  );
});
