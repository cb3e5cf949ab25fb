/* Two guests that were saved in another process go on in this one. Arguments: the files of their states. */
import { readFile } from "node:fs/promises";
import { Hub } from "@vmmkit/backend-loopback";
import { fetchFile, ping, type ServedFile, waitUntil } from "../support/traffic.ts";
import { ADDRESSES, joinPair, SUM_FILE } from "./pair.ts";

/** What it writes to its standard output, as JSON. */
export interface SecondProcessResult {
  /** MD5 of what alice had begun to fetch in the other process. */
  readonly sum: string;
  /** MD5 of what she fetched afterwards. */
  readonly fetched: string;
  readonly pings: { readonly sent: number; readonly received: number };
  readonly announced: readonly string[];
  readonly complaints: readonly string[];
}

const [aliceFile = "", bobFile = "", served = ""] = process.argv.slice(2);
const states = { alice: await readFile(aliceFile), bob: await readFile(bobFile) };
const { alice, bob, wire } = await joinPair(new Hub(), states);
await waitUntil(alice, `[ -e ${SUM_FILE} ]`);
const sum = (await alice.sh(`cat ${SUM_FILE}`)).slice(0, 32);
const file: ServedFile = { path: served, md5: "" };
const result: SecondProcessResult = {
  sum,
  fetched: await fetchFile(alice, ADDRESSES.bob, file),
  pings: await ping(bob, ADDRESSES.alice, { size: 1400 }),
  announced: wire.announced,
  complaints: [...alice.complaints, ...bob.complaints],
};
process.stdout.write(JSON.stringify(result));
await Promise.all([alice.destroy(), bob.destroy()]);
