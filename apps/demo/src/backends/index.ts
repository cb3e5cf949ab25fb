import { hub } from "./hub.ts";
import { passt } from "./passt.ts";
import { socket } from "./socket.ts";
import { tap } from "./tap.ts";
import type { BackendKind } from "./wire.ts";

/** What `--backend` may name. The first is taken where nothing is said. */
export const BACKENDS: Readonly<Record<string, BackendKind>> = { hub, tap, passt, socket };

/** What the user chose. */
export interface BackendChoice {
  readonly kind: BackendKind;
  /** As the user wrote it. */
  readonly text: string;
  readonly argument: string | null;
}

/** Reads "name" or "name:argument". @throws RangeError that says what there is */
export function parseBackend(text: string): BackendChoice {
  const colon = text.indexOf(":");
  const name = colon < 0 ? text : text.slice(0, colon);
  const argument = colon < 0 ? null : text.slice(colon + 1);
  const kind = Object.hasOwn(BACKENDS, name) ? BACKENDS[name] : undefined;
  const usages = Object.values(BACKENDS).map(({ usage }) => usage);
  if (kind === undefined) throw new RangeError(`expected one of ${usages.join(", ")}.`);
  const fits = argument === null ? kind.argument !== "required" : kind.argument !== "none" && argument !== "";
  if (!fits) throw new RangeError(`expected ${kind.usage}.`);
  return { kind, text, argument };
}
