import type { FaultChange } from "@vmmkit/backend-fault";
import type { Cards } from "../cards.ts";
import type { DataPathReport, Order } from "../data-path/orders.ts";
import { parseFault } from "../fault-spec.ts";

/** What may be asked over the control socket. */
export type Request =
  | { readonly do: "top" }
  | { readonly do: "link"; readonly card: string; readonly up: boolean }
  | { readonly do: "fault"; readonly card: string; readonly faults: string }
  | { readonly do: "capture-start"; readonly card: string; readonly file: string }
  | { readonly do: "capture-stop"; readonly card: string };

/** The answer to a request, a line of JSON. */
export type Answer =
  | ({ readonly ok: true; readonly timeMs?: number } & Partial<DataPathReport>)
  | { readonly ok: false; readonly error: string };

/** Does what a line asks for. What is wrong with it is in the answer; nothing is thrown. */
export async function answer(line: string, cards: Cards): Promise<Answer> {
  try {
    return await carryOut(JSON.parse(line), cards);
  } catch (error) {
    return { ok: false, error: error instanceof Error ? error.message : String(error) };
  }
}

async function carryOut(json: unknown, cards: Cards): Promise<Answer> {
  if (typeof json !== "object" || json === null) throw new TypeError("expected an object");
  const request = json as Readonly<Record<string, unknown>>;
  switch (request["do"]) {
    case "top":
      return { ok: true, timeMs: performance.now(), ...(await cards.report()) };
    case "link":
    case "fault":
    case "capture-start":
    case "capture-stop": {
      const order = readOrder(request);
      await cards.pathOf(request["card"]).order(order);
      return { ok: true };
    }
    default:
      throw new RangeError('"do" expected top, link, fault, capture-start or capture-stop');
  }
}

/** An order to a card; that it is one, its data path says. */
function readOrder(request: Readonly<Record<string, unknown>>): Order {
  const card = String(request["card"]);
  switch (request["do"]) {
    case "link":
      if (typeof request["up"] !== "boolean") throw new TypeError('"up" expected true or false');
      return { do: "link", card, up: request["up"] };
    case "fault":
      return { do: "fault", card, change: faultChange(request["faults"]) };
    case "capture-start":
      if (typeof request["file"] !== "string" || request["file"] === "") throw new TypeError('"file" expected a path');
      return { do: "capture-start", card, file: request["file"] };
    default:
      return { do: "capture-stop", card };
  }
}

/** Faults that may change while a card runs: all but where the random numbers started. */
function faultChange(text: unknown): FaultChange {
  if (typeof text !== "string" || text === "") throw new TypeError('"faults" expected a list as that of --fault');
  const { seed, ...change } = parseFault(text);
  if (seed !== undefined) throw new RangeError("seed is for --fault alone: the random numbers have started");
  return change;
}
