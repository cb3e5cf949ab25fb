import { type MessagePort, parentPort, workerData } from "node:worker_threads";
import type { V86 } from "v86";
import type { GuestJob } from "./command-channel.ts";
import type { Attachment } from "./guest.ts";
import {
  errorMessage,
  type GuestCall,
  type GuestMessage,
  type GuestRequest,
  type GuestThreadData,
} from "./guest-messages.ts";
import { LinuxGuest } from "./linux-guest.ts";

/** What an attach module exports. */
interface AttachModule {
  attach(emulator: V86, data: unknown): Attachment | Promise<Attachment>;
}

/** Boots the guest of this thread and serves its owner's requests. */
function serve(port: MessagePort, { options, attachModule, attachData }: GuestThreadData): void {
  const send = (message: GuestMessage): void => port.postMessage(message);
  const guest = new LinuxGuest({
    ...options,
    onConsole: (text) => send({ kind: "console", text }),
    onProgress: (progress) => send({ kind: "progress", progress }),
    ...(attachModule !== null && { attach: (emulator: V86) => attachThrough(attachModule, emulator, attachData) }),
  });
  const jobs = new Map<number, GuestJob>();
  port.on("message", (request: GuestRequest) => {
    if (request.kind === "text") return guest.sendText(request.text);
    if (request.kind === "kill") return jobs.get(request.id)?.kill(request.signal);
    handle(guest, jobs, request.id, request.call)
      .then((value) => send({ kind: "answer", id: request.id, value }))
      .catch((error) => send(errorMessage(request.id, error)));
  });
}

async function attachThrough(module: string, emulator: V86, data: unknown): Promise<Attachment> {
  const { attach } = (await import(module)) as AttachModule;
  return attach(emulator, data);
}

async function handle(guest: LinuxGuest, jobs: Map<number, GuestJob>, id: number, call: GuestCall): Promise<unknown> {
  switch (call.kind) {
    case "ready":
      return guest.ready();
    case "reboot":
      return guest.reboot();
    case "destroy":
      return guest.destroy();
    case "ask":
      return guest.ask(call.request);
    case "command": {
      const job = guest.start(call.command);
      jobs.set(id, job);
      return job.result.finally(() => jobs.delete(id));
    }
  }
}

if (parentPort !== null) serve(parentPort, workerData as GuestThreadData);
