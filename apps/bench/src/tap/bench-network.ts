import { execFileSync } from "node:child_process";

/** A network namespace for programs that are measured: nothing outside is touched. */
export class BenchNetwork {
  readonly name: string;

  /** @param word makes the name, with this process's number */
  constructor(word: string) {
    this.name = `vmmkit-bench-${process.pid}-${word}`;
    ip("netns", "add", this.name);
    // Interfaces that come up would speak by themselves.
    this.run("sh", "-c", "echo 1 >/proc/sys/net/ipv6/conf/default/disable_ipv6; ip link set lo up");
  }

  /** Its path, for `setns`. */
  get path(): string {
    return `/run/netns/${this.name}`;
  }

  /** The command line that runs a program there: a file and its arguments. */
  command(file: string, ...args: string[]): [string, string[]] {
    return ["ip", ["netns", "exec", this.name, file, ...args]];
  }

  /** Runs a program there. @returns what it wrote */
  run(file: string, ...args: string[]): string {
    const [program, all] = this.command(file, ...args);
    return execFileSync(program, all, { encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] });
  }

  close(): void {
    ip("netns", "delete", this.name);
  }
}

function ip(...args: string[]): void {
  execFileSync("ip", args);
}
