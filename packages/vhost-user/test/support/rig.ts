import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loopbackBackend } from "@vmmkit/backend-loopback";
import type { RawIfaceFuncs } from "@vmmkit/ethif";
import { createMemfd, type Fd, mapMemory, Poller } from "@vmmkit/posix";
import { NetDevice, type NetDeviceOptions } from "@vmmkit/virtio-net";
import { onTestFinished } from "vitest";
import { serveVhostUser, type VhostUserBackend } from "../../src/index.ts";
import { FrontEnd, longs, words } from "./front-end.ts";

/** Guest memory of a front-end: where it is for the guest, and where the front-end says that it has it itself. */
export const MEMORY = { gpa: 0x10_0000, bytes: 8 << 20, user: 0x7000_0000_0000 } as const;

/** A back-end with a card whose frames come back. */
export interface Rig {
  readonly backend: VhostUserBackend<NetDevice>;
  readonly poller: Poller;
  readonly path: string;
  readonly log: string[];
  readonly announced: Uint8Array[];
  connect(): FrontEnd;
}

/** Serves a card until the test is over. */
export function serve(options: NetDeviceOptions = {}, carrier: RawIfaceFuncs = loopbackBackend()): Rig {
  const folder = mkdtempSync(join(tmpdir(), "vmmkit-"));
  const path = join(folder, "net.sock");
  const poller = new Poller();
  const log: string[] = [];
  const announced: Uint8Array[] = [];
  const backend = serveVhostUser({
    listen: path,
    poller,
    log: (line) => log.push(line),
    announce: (mac) => announced.push(mac),
    makeDevice: (vm, hooks) => new NetDevice(vm, carrier, hooks, options),
  });
  onTestFinished(() => {
    backend.close();
    poller.close();
    rmSync(folder, { recursive: true });
  });
  const connect = (): FrontEnd => {
    const frontEnd = new FrontEnd(path, poller);
    onTestFinished(() => frontEnd.socket.close());
    frontEnd.turn();
    return frontEnd;
  };
  return { backend, poller, path, log, announced, connect };
}

/** Memory for a guest: its file, and its bytes here. */
export function guestMemory(sizeBytes: number = MEMORY.bytes): { readonly fd: Fd; readonly buffer: ArrayBuffer } {
  const fd = createMemfd("guest", sizeBytes);
  onTestFinished(() => fd.close());
  return { fd, buffer: mapMemory(fd, sizeBytes).buffer };
}

/** A region as SET_MEM_TABLE and ADD_MEM_REG have it. */
export function region(
  gpa: number = MEMORY.gpa,
  bytes: number = MEMORY.bytes,
  user: number = MEMORY.user,
  offset = 0,
): Uint8Array {
  return longs(gpa, bytes, user, offset);
}

/** The payload of SET_MEM_TABLE. */
export function memoryTable(...regions: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from([...words(regions.length, 0), ...regions.flatMap((one) => [...one])]);
}
