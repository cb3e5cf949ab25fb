import { Command, InvalidArgumentError } from "commander";
import { BACKEND_USAGE } from "../backend-spec.ts";
import { type NicConfig, readConfig } from "../config.ts";
import { FAULT_USAGE } from "../fault-spec.ts";
import { COMMON_SECTIONS, helpSections } from "./help.ts";

/** The options that are not about one card. */
interface ServeOptions {
  readonly config?: string;
  readonly control?: string;
  readonly metrics?: string;
  readonly user?: string;
  readonly spin?: number;
  readonly oneProcess?: boolean;
  readonly uplink: readonly string[];
}

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
    .optionsGroup("The process:")
    .option("--config <file>", "cards and all the rest from a JSON file; cards as options are not taken beside it")
    .option("--control <path>", "a control socket for top, link, fault and capture")
    .option("--metrics <address>", "counts for Prometheus by HTTP, at PORT of 127.0.0.1 or at ADDRESS:PORT")
    .option("--user <name>", "NAME or NAME:GROUP to run as once all is open; the sockets are given to that user")
    .option(
      "--spin <microseconds>",
      "how long adaptive waiting looks on before it sleeps: 0 to 500, 50 otherwise",
      Number,
    )
    .option(
      "--one-process",
      "all in one, where each card with a backend to itself, and the hub, have a process of their own otherwise",
    )
    .option(
      "--uplink <kind>",
      "joins the hub with the host or another process: tap:NAME, socket:…; again for more",
      gather,
      [],
    )
    .optionsGroup("A card; PATH may be systemd:NAME, a socket that systemd opened:")
    .option("--vfio-user <path>", "begins a card: a PCI device, at this socket", begin("vfioUser"))
    .option("--vhost-user <path>", "begins a card: a data path, at this socket", begin("vhostUser"))
    .optionsGroup("About the card before it:")
    .option("--name <name>", "what it is called; nic0, nic1, … otherwise", set("name"))
    .option("--backend <kind>", `what carries its frames: ${BACKEND_USAGE}; hub otherwise`, set("backend"))
    .option("--mac <address>", "its address; random otherwise", set("mac"))
    .option("--mtu <bytes>", "largest payload; the TAP interface's, or 1500, otherwise", set("mtu", Number))
    .option("--queues <pairs>", "queue pairs; 1 otherwise", set("queues", Number))
    .option("--driver <kind>", "over vfio-user: legacy, transitional (otherwise) or modern", set("driver"))
    .option("--waiting <how>", "for something to do: wait, adaptive (otherwise) or poll; see below", set("waiting"))
    .option("--pcap <file>", "a capture from the start", set("pcap"))
    .option("--fault <list>", `a bad or slow network: ${FAULT_USAGE}`, set("fault"))
    .addHelpText(
      "after",
      helpSections({ Waiting: WAITING, Examples: EXAMPLES, Signals: SIGNALS, Files: FILES, ...COMMON_SECTIONS }),
    )
    .action(async ({ config, control, metrics, user, spin, oneProcess, uplink }: ServeOptions) => {
      if (config !== undefined && cards.length > 0) throw new Error("expected --config or cards as options, not both");
      const base = config === undefined ? { cards } : parseJson(config, readFile(config));
      const said = Object.entries({
        control,
        metrics,
        user,
        spinUs: spin,
        oneProcess,
        uplinks: uplink.length > 0 ? uplink : undefined,
      }).filter(([, value]) => value !== undefined);
      await run(readConfig({ ...base, ...Object.fromEntries(said) }));
    });
}

/** An option that may be there several times. */
function gather(value: string, before: readonly string[]): readonly string[] {
  return [...before, value];
}

function parseJson(path: string, text: string): object {
  try {
    return JSON.parse(text) as object;
  } catch (error) {
    throw new Error(`${path}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

const WAITING = `wait        sleep until there is something to do: least work, and a little later
adaptive    look on for a while (--spin) after something came, then sleep
poll        never sleep: soonest, and a processor is busy all the time
cards on the hub wait in the same way`;

const EXAMPLES = `Two guests on one hub:
  nic serve --vfio-user a.sock --mac 52:54:00:00:00:0a --vhost-user b.sock
A guest on a TAP interface with four queues, captured from the start:
  nic serve --vfio-user a.sock --backend tap:vmm0 --queues 4 --pcap a.pcapng
Guests on a hub with the host, by a TAP interface:
  nic serve --uplink tap:vmm0 --vfio-user a.sock --vhost-user b.sock
A card whose data path never sleeps:
  nic serve --vhost-user a.sock --backend tap:vmm0 --waiting poll
A slow and lossy line, counts for Prometheus, and no root once it runs:
  nic serve --user nobody --metrics 9464 --vfio-user a.sock --fault bytes=1M/64k,rx.drop=0.01`;

const SIGNALS = `SIGINT, SIGTERM    VMMs see their connections close, sockets are removed, captures are written to their end
                   a second one of the same name ends it at once`;

const FILES = `sockets            made with mode 0600, for their user alone
CONFIG             {"control": PATH, "metrics": ADDRESS, "user": NAME, "spinUs": 50, "oneProcess": false, "uplinks": [KIND],
                   "cards": [{"vfioUser": PATH or "vhostUser": PATH, "name", "backend", "mac", "mtu", "queues", "driver",
                   "waiting", "pcap", "fault"}, ...]}`;
