import type { CommandResult, GuestJob } from "./command-channel.ts";
import { GuestTimeoutError } from "./errors.ts";

/**
 * Waits for a command, and kills it when its time is over.
 * @param command for the error's message
 * @throws GuestTimeoutError
 */
export async function withTimeout(job: GuestJob, command: string, timeoutMs: number): Promise<CommandResult> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      job.result.catch(() => {});
      job.kill("KILL");
      reject(new GuestTimeoutError(`"${command}" did not end in ${timeoutMs} ms`));
    }, timeoutMs);
  });
  return Promise.race([job.result, timeout]).finally(() => clearTimeout(timer));
}
