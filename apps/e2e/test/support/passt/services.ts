/*
 * What a guest behind passt finds on its host: a name server and a web server. It runs as a program of its own in a
 * network namespace where nothing else is, is root nowhere but there, and starts passt and ends with it.
 * Types are stripped, and Node gets the rest on its standard input; so it imports nothing of ours.
 */
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { createSocket } from "node:dgram";
import { createServer } from "node:http";

const LOOPBACK = "127.0.0.1";
/** The name that is known, and what it stands for: the gateway, which passt maps to the host's loopback address. */
const { VMMKIT_NAME: name = "", VMMKIT_GATEWAY: gateway = "", VMMKIT_SOCKET: path = "" } = process.env;
const { VMMKIT_FILE_BYTES: fileBytes = "0" } = process.env;

const file = Buffer.alloc(Number(fileBytes), "What the host serves. ");

createServer((request, response) => {
  if (request.method === "GET") {
    response.end(file);
    return;
  }
  const hash = createHash("md5");
  request.on("data", (bytes: Buffer) => hash.update(bytes));
  request.on("end", () => response.end(hash.digest("hex")));
}).listen(8080, LOOPBACK);

const names = createSocket("udp4");
names.on("message", (query, from) => names.send(answer(query), from.port, from.address));
names.bind(53, LOOPBACK);

/** The answer to a question (RFC 1035, 4.1): the address of the one name that there is, or that there is none. */
function answer(query: Buffer): Buffer {
  const labels: string[] = [];
  let at = 12;
  for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
    labels.push(query.toString("latin1", at + 1, at + 1 + length));
    at += 1 + length;
  }
  const question = query.subarray(12, at + 5);
  const isAddress = query.readUInt16BE(at + 1) === 1;
  const known = labels.join(".").toLowerCase() === name;
  const header = Buffer.from(query.subarray(0, 12));
  // Response, recursion available; no such name.
  header.writeUInt16BE(0x8180 | (known ? 0 : 3), 2);
  header.writeUInt16BE(known && isAddress ? 1 : 0, 6);
  header.writeUInt32BE(0, 8);
  if (!known || !isAddress) return Buffer.concat([header, question]);
  // The name of the question, type A, class IN, a minute, four bytes.
  const record = Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, ...gateway.split(".").map(Number)]);
  return Buffer.concat([header, question, record]);
}

const options = ["--foreground", "--one-off", "--ipv4-only", "--socket", path, "--dns", gateway];
const passt = spawn("passt", options, { stdio: ["ignore", "inherit", "inherit"] });
passt.on("exit", (code) => process.exit(code ?? 1));
process.on("SIGTERM", () => passt.kill());
