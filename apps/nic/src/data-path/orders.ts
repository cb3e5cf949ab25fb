import type { FaultChange } from "@vmmkit/backend-fault";
import type { Identity } from "../system/privileges.ts";
import type { CardReport } from "./card-report.ts";
import type { ProcessReport } from "./process-report.ts";
import type { UplinkReport } from "./uplink.ts";

/** What a data path is told to do while it runs. Plain data, as it may be in another process. */
export type Order =
  | { readonly do: "report" }
  | { readonly do: "link"; readonly card: string; readonly up: boolean }
  | { readonly do: "fault"; readonly card: string; readonly change: FaultChange }
  | { readonly do: "capture-start"; readonly card: string; readonly file: string }
  | { readonly do: "capture-stop"; readonly card: string }
  | { readonly do: "become"; readonly identity: Identity };

/** What a data path says of itself. Counts only grow. */
export interface DataPathReport {
  readonly cards: readonly CardReport[];
  readonly uplinks: readonly UplinkReport[];
  /** Those that are a data path and nothing else. */
  readonly processes: readonly ProcessReport[];
}

/** A data path, wherever it is. */
export interface DataPathHandle {
  /** The names of its cards. */
  readonly cards: readonly string[];
  /** Does something. @throws (rejects) Error with what is wrong */
  order(order: Order): Promise<void>;
  /** Answers in any case, if need be with what it was when it was asked last. */
  report(): Promise<DataPathReport>;
  /** VMMs are told, captures are written to their end. */
  close(): Promise<void>;
}
