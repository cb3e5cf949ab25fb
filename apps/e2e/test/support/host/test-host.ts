import { type ChildProcess, execFile, execFileSync, spawn } from "node:child_process";
import { promisify } from "node:util";
import { enterNetwork, OpenFlag, openFile } from "@vmmkit/posix";

const run = promisify(execFile);
const TIMEOUT_MS = 120_000;

/** Serves its standard input by HTTP, and says so when it listens. */
const SERVE = `
const bytes = require("node:fs").readFileSync(0);
const server = require("node:http").createServer((request, response) => response.end(bytes));
server.listen(Number(process.argv[1]), "0.0.0.0", () => console.log("listens"));
`;

/** Prints the MD5 of what is there. */
const FETCH = `
const hash = require("node:crypto").createHash("md5");
require("node:http").get(process.argv[1], (response) => {
  response.on("data", (piece) => hash.update(piece)).on("end", () => console.log(hash.digest("hex")));
});
`;

/** A machine: a network namespace that this process made, with a name that is its own. */
export class TestHost {
  readonly name: string;
  readonly #children: ChildProcess[] = [];

  /** @param name a word; the namespace's name is made of it */
  constructor(name: string) {
    this.name = `vmmkit-${process.pid}-${name}`;
    execFileSync("ip", ["netns", "add", this.name]);
    this.sh("ip link set lo up; echo 1 >/proc/sys/net/ipv6/conf/default/disable_ipv6");
  }

  /** Runs a shell script there, up to its first command that fails. @throws Error with what it wrote */
  sh(script: string): string {
    return execFileSync("ip", ["netns", "exec", this.name, "sh", "-euc", script], { encoding: "utf8" });
  }

  /** Runs a program there. @returns what it wrote */
  async run(program: string, ...args: string[]): Promise<string> {
    return (await run("ip", ["netns", "exec", this.name, program, ...args], { timeout: TIMEOUT_MS })).stdout;
  }

  /** Does something on this thread in the namespace: what is opened in it stays there. */
  inside<T>(action: () => T): T {
    const home = openFile("/proc/thread-self/ns/net", OpenFlag.ReadOnly);
    const there = openFile(`/run/netns/${this.name}`, OpenFlag.ReadOnly);
    try {
      enterNetwork(there);
      return action();
    } finally {
      enterNetwork(home);
      there.close();
      home.close();
    }
  }

  /** Serves bytes by HTTP. */
  async serve(bytes: Uint8Array, port: number): Promise<void> {
    const args = ["netns", "exec", this.name, process.execPath, "-e", SERVE, String(port)];
    const child = spawn("ip", args, { stdio: ["pipe", "pipe", "inherit"] });
    this.#children.push(child);
    child.stdin.end(bytes);
    await new Promise<void>((resolve, reject) => {
      child.stdout.once("data", () => resolve());
      child.once("exit", (code) => reject(new Error(`the server on ${this.name} ended with ${code}`)));
    });
  }

  /** Fetches by HTTP. @returns the MD5 of what came */
  async fetch(url: string): Promise<string> {
    return (await this.run(process.execPath, "-e", FETCH, url)).trim();
  }

  /** Pings an address. @returns how many answers came */
  async ping(address: string, count: number): Promise<number> {
    const output = await this.run("ping", "-n", "-c", String(count), "-i", "0.1", "-W", "20", address);
    return Number(/(\d+) received/.exec(output)?.[1] ?? Number.NaN);
  }

  /** Ends what runs there and removes the namespace. */
  close(): void {
    for (const child of this.#children) child.kill();
    execFileSync("ip", ["netns", "delete", this.name]);
  }
}

/** Joins machines by a switch: each has an interface eth0 with its address, and nothing else in common. */
export function joinHosts(hosts: ReadonlyMap<string, TestHost>): TestHost {
  const wire = new TestHost("wire");
  wire.sh("ip link add sw0 type bridge; ip link set sw0 up");
  for (const [address, host] of hosts) {
    const port = `port${address.split(".")[3]}`;
    wire.sh(`ip link add ${port} type veth peer name eth0 netns ${host.name}; ip link set ${port} master sw0 up`);
    host.sh(`ip addr add ${address}/24 dev eth0; ip link set eth0 up`);
  }
  return wire;
}
