import { Option } from "commander";

/** What commands about a running `nic serve` have in common. */
export interface ControlOption {
  readonly control: string;
}

/** `--control`, which has to be there. */
export function controlOption(): Option {
  return new Option("--control <path>", "the control socket of nic serve").makeOptionMandatory();
}
