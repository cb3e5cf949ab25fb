import type { NicConfig } from "./config.ts";
import { Nic } from "./nic.ts";
import { Activation } from "./system/activation.ts";
import { notifyManager } from "./system/notify.ts";

/** Serves until the user or the system says to end; a second signal of the same name ends at once. */
export async function runNic(config: NicConfig): Promise<void> {
  const ended = new Promise<void>((end) => {
    for (const name of ["SIGINT", "SIGTERM"] as const) process.once(name, () => end());
  });
  const activation = Activation.take(process.env, process.pid);
  const nic = await Nic.start(config, activation, (line) => process.stderr.write(`${line}\n`));
  for (const { name, protocol, path } of config.cards) process.stdout.write(`${name}: ${protocol} at ${path}\n`);
  if (nic.metricsUrl !== null) process.stdout.write(`metrics at ${nic.metricsUrl}\n`);
  notifyManager("READY=1");
  await ended;
  notifyManager("STOPPING=1");
  await nic.close();
}
