import { Command, InvalidArgumentError } from "commander";
import { BACKEND_USAGE } from "./backend-spec.ts";
import { type NicConfig, readConfig } from "./config.ts";

/** `nic serve`: each --vfio-user or --vhost-user begins a card, and what stands behind it is about that card. */
export function serveCommand(readFile: (path: string) => string, run: (config: NicConfig) => Promise<void>): Command {
  const cards: Record<string, unknown>[] = [];
  const begin = (key: string) => (path: string) => void cards.push({ [key]: path });
  const set =
    (key: string, convert: (text: string) => unknown = (text) => text) =>
    (text: string) => {
      const card = cards.at(-1);
      if (card === undefined) throw new InvalidArgumentError("expected --vfio-user or --vhost-user before it.");
      card[key] = convert(text);
    };
  return new Command("serve")
    .description("serves cards until SIGINT or SIGTERM; each --vfio-user or --vhost-user begins one")
    .option("--config <file>", "cards from a JSON file, instead of options")
    .option("--control <path>", "a control socket for top, link and capture")
    .option("--vfio-user <path>", "a card as a PCI device, at this socket", begin("vfioUser"))
    .option("--vhost-user <path>", "a card as a data path, at this socket", begin("vhostUser"))
    .option("--name <name>", "what the card is called; nic0, nic1, … otherwise", set("name"))
    .option("--backend <kind>", `what carries its frames: ${BACKEND_USAGE}; hub otherwise`, set("backend"))
    .option("--mac <address>", "its address; random otherwise", set("mac"))
    .option("--mtu <bytes>", "largest payload; 1500 otherwise", set("mtu", Number))
    .option("--queues <pairs>", "queue pairs; 1 otherwise", set("queues", Number))
    .option("--driver <kind>", "over vfio-user: legacy, transitional (otherwise) or modern", set("driver"))
    .option("--pcap <file>", "a capture from the start", set("pcap"))
    .option("--fault <list>", "a bad network: drop=0.01,rx.delayMs=20,seed=1", set("fault"))
    .action(async (options: { readonly config?: string; readonly control?: string }) => {
      const { config, control } = options;
      if (config !== undefined && cards.length > 0) throw new Error("expected --config or cards as options, not both");
      const base = config === undefined ? { cards } : parseJson(config, readFile(config));
      await run(readConfig(control === undefined ? base : { ...base, control }));
    });
}

function parseJson(path: string, text: string): object {
  try {
    return JSON.parse(text) as object;
  } catch (error) {
    throw new Error(`${path}: ${error instanceof Error ? error.message : String(error)}`);
  }
}
