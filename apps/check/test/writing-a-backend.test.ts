import { resolve } from "node:path";
import type { Backend } from "@vmmkit/ethif";
import { type BackendUnderTest, testBackend } from "@vmmkit/ethif-compliance";
import { afterAll } from "vitest";
import { findSnippets } from "../src/snippets/find.ts";
import { makeSnippetProject } from "../src/snippets/project.ts";

/** The guide's own example, out of docs/writing-a-backend.md. */
interface Example {
  messageBackend(channel: Channel, macText: string): Backend;
}

interface Channel {
  send(message: Uint8Array): void;
  listen(onMessage: (message: Uint8Array) => void): void;
  close(): void;
}

const root = resolve(import.meta.dirname, "../../..");
const snippet = findSnippets(root).find(({ code }) => code.includes("export function messageBackend"));
if (snippet === undefined) throw new Error("docs/writing-a-backend.md has lost its example");
const project = makeSnippetProject(root, [snippet]);
afterAll(() => project.remove());
const { messageBackend } = (await import(project.path(snippet))) as Example;

/** Two ends in one process: what the backend sends waits for the peer, what the peer sends arrives at once. */
function setup(): BackendUnderTest {
  const sent: Uint8Array[] = [];
  let wanted: ((frame: Uint8Array) => void) | null = null;
  let arrive: (message: Uint8Array) => void = () => {};
  const channel: Channel = {
    send(message) {
      if (wanted === null) sent.push(message);
      else wanted(message);
      wanted = null;
    },
    listen: (onMessage) => {
      arrive = onMessage;
    },
    close: () => {
      arrive = () => {};
    },
  };
  return {
    backend: messageBackend(channel, "02:00:00:00:00:01"),
    peer: {
      send: (frame) => arrive(frame.slice()),
      receive: async () =>
        sent.shift() ??
        (await new Promise<Uint8Array>((settle) => {
          wanted = settle;
        })),
    },
  };
}

testBackend({ name: "the backend of docs/writing-a-backend.md", setup, keeps: 256 });
