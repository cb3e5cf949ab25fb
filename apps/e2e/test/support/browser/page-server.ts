import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** What is under a path. */
export interface Resource {
  readonly type: string;
  readonly body: Uint8Array | string;
}

/** A web server on the loopback interface for one page, which posts its result to `/result`. */
export class PageServer {
  readonly url: string;
  readonly #server: Server;
  readonly #result: Promise<string>;
  /** What the page posted to `/log` last. */
  #log = "";

  private constructor(server: Server, resources: ReadonlyMap<string, Resource>) {
    this.#server = server;
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    this.#result = new Promise((resolve) => {
      server.on("request", async (request: IncomingMessage, response: ServerResponse) => {
        if (request.url === "/log") this.#log = await bodyOf(request);
        if (request.url === "/result") resolve(await bodyOf(request));
        const resource = resources.get(request.url ?? "");
        answer(response, request.method === "POST" ? { type: "text/plain", body: "" } : resource);
      });
    });
  }

  /** @param resources by their paths, `/` being the page */
  static async start(resources: ReadonlyMap<string, Resource>): Promise<PageServer> {
    const server = createServer();
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(0, "127.0.0.1", resolve);
    });
    return new PageServer(server, resources);
  }

  /**
   * Waits for what the page posts as its result.
   * @throws Error with what the page logged last where that takes longer than `timeoutMs`
   */
  async result(timeoutMs: number): Promise<string> {
    let timer: NodeJS.Timeout | undefined;
    const tooLate = new Promise<never>((_, reject) => {
      timer = setTimeout(
        () => reject(new Error(`no result in ${timeoutMs} ms; the page says:\n${this.#log}`)),
        timeoutMs,
      );
    });
    return Promise.race([this.#result, tooLate]).finally(() => clearTimeout(timer));
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

function answer(response: ServerResponse, resource: Resource | undefined): void {
  response.writeHead(resource === undefined ? 404 : 200, { "content-type": resource?.type ?? "text/plain" });
  response.end(resource?.body);
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}
