import { once } from "node:events";
import { connect } from "node:net";
import { createInterface } from "node:readline";
import type { Answer, Request } from "./requests.ts";

/** Asks a running `nic serve` one thing. @throws Error with what it answers where that is an error */
export async function ask(path: string, request: Request): Promise<Answer & { ok: true }> {
  const socket = connect(path);
  try {
    await once(socket, "connect");
    socket.write(`${JSON.stringify(request)}\n`);
    for await (const line of createInterface({ input: socket })) {
      const said = JSON.parse(line) as Answer;
      if (!said.ok) throw new Error(said.error);
      return said;
    }
    throw new Error(`${path}: closed without an answer`);
  } finally {
    socket.destroy();
  }
}
