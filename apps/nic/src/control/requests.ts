import type { FaultChange } from "@vmmkit/backend-fault";
import type { Card } from "../card.ts";
import type { CardReport } from "../card-report.ts";
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
  | { readonly ok: true; readonly timeMs?: number; readonly cards?: readonly CardReport[] }
  | { readonly ok: false; readonly error: string };

/** Does what a line asks for. What is wrong with it is in the answer; nothing is thrown. */
export async function answer(line: string, cards: readonly Card[]): Promise<Answer> {
  try {
    return await carryOut(JSON.parse(line), cards);
  } catch (error) {
    return { ok: false, error: error instanceof Error ? error.message : String(error) };
  }
}

async function carryOut(json: unknown, cards: readonly Card[]): Promise<Answer> {
  if (typeof json !== "object" || json === null) throw new TypeError("expected an object");
  const request = json as Readonly<Record<string, unknown>>;
  switch (request["do"]) {
    case "top":
      return { ok: true, timeMs: performance.now(), cards: cards.map((card) => card.report()) };
    case "link":
      if (typeof request["up"] !== "boolean") throw new TypeError('"up" expected true or false');
      find(cards, request["card"]).setLink(request["up"]);
      return { ok: true };
    case "fault":
      find(cards, request["card"]).setFaults(faultChange(request["faults"]));
      return { ok: true };
    case "capture-start":
      if (typeof request["file"] !== "string" || request["file"] === "") throw new TypeError('"file" expected a path');
      await find(cards, request["card"]).startCapture(request["file"]);
      return { ok: true };
    case "capture-stop":
      await find(cards, request["card"]).stopCapture();
      return { ok: true };
    default:
      throw new RangeError('"do" expected top, link, fault, capture-start or capture-stop');
  }
}

/** Faults that may change while a card runs: all but where the random numbers started. */
function faultChange(text: unknown): FaultChange {
  if (typeof text !== "string" || text === "") throw new TypeError('"faults" expected a list as that of --fault');
  const { seed, ...change } = parseFault(text);
  if (seed !== undefined) throw new RangeError("seed is for --fault alone: the random numbers have started");
  return change;
}

function find(cards: readonly Card[], name: unknown): Card {
  const card = cards.find((one) => one.name === name);
  if (card === undefined) throw new RangeError(`"card" expected one of ${cards.map((one) => one.name).join(", ")}`);
  return card;
}
