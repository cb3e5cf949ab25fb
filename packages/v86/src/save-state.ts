import { V86StateError } from "./errors.ts";
import type { V86Machine } from "./machine.ts";

/** What is used here of a `V86` object. */
export interface V86States {
  save_state(): Promise<ArrayBuffer>;
  restore_state(state: ArrayBuffer): Promise<void>;
}

/** "vmmkit86" as two words. */
const MAGIC = [0x6b6d_6d76, 0x3638_7469] as const;
const VERSION = 1;
/** Magic, version, bytes of the machine's state. The machine's state follows, and then, from a multiple of 4 on, v86's. */
const HEADER_BYTES = 16;

/**
 * Saves a guest whole, v86's state and vmmkit's, in one buffer: to be called from the event loop, at any time, whatever
 * traffic there is. The guest goes on.
 * @param emulator the `V86` object
 * @param machine from `attachVmmkit(emulator)`
 */
export async function saveState(emulator: V86States, machine: V86Machine): Promise<ArrayBuffer> {
  const json = JSON.stringify(machine.save());
  // Within the same turn, before the guest runs again: `save_state` has done its work when it answers its promise.
  const rest = await emulator.save_state();
  const bytes = new Uint8Array(HEADER_BYTES + ceil4(json.length) + rest.byteLength);
  new Uint32Array(bytes.buffer, 0, 4).set([...MAGIC, VERSION, json.length]);
  // Names of fields and numbers: ASCII.
  for (let i = 0; i < json.length; i++) bytes[HEADER_BYTES + i] = json.charCodeAt(i);
  bytes.set(new Uint8Array(rest), HEADER_BYTES + ceil4(json.length));
  return bytes.buffer;
}

/**
 * Restores what `saveState` saved, in this process or another one. Before or after `run()`; the guest goes on when it
 * runs. Cards ask it to announce itself.
 * @param emulator made with the same options as the one that was saved
 * @param machine from `attachVmmkit(emulator)`, with the same cards at the same addresses
 * @param state from `saveState`
 * @throws V86StateError for bytes that are none, TypeError, RangeError naming what of vmmkit's part does not fit this machine:
 * nothing has changed then. What v86 says of its own part comes as it is
 */
export async function restoreState(
  emulator: V86States,
  machine: V86Machine,
  state: ArrayBuffer | Uint8Array,
): Promise<void> {
  const bytes = state instanceof Uint8Array ? state : new Uint8Array(state);
  const { json, rest } = parse(bytes);
  // Whether rings lie in memory depends on its size, not on what is in it: v86's part need not be there yet.
  const restoration = machine.prepare(json);
  await emulator.restore_state(rest);
  restoration.apply();
  restoration.resume();
}

function parse(bytes: Uint8Array): { json: unknown; rest: ArrayBuffer } {
  if (bytes.length < HEADER_BYTES) throw new V86StateError(`"state" expected a header, got ${bytes.length} bytes`);
  const header = new Uint32Array(copyOf(bytes.subarray(0, HEADER_BYTES)));
  const [low, high, version, length = 0] = header;
  if (low !== MAGIC[0] || high !== MAGIC[1]) throw new V86StateError('"state" is not one that saveState made');
  if (version !== VERSION) throw new V86StateError(`"state" expected version ${VERSION}, got ${version}`);
  const start = HEADER_BYTES + ceil4(length);
  if (start > bytes.length) throw new V86StateError(`"state" ends after ${bytes.length} bytes of ${start} and more`);
  return { json: parseJson(bytes.subarray(HEADER_BYTES, HEADER_BYTES + length)), rest: copyOf(bytes.subarray(start)) };
}

/** The bytes in a buffer of their own. Not `slice`, which Node's `Buffer` has another meaning for. */
function copyOf(bytes: Uint8Array): ArrayBuffer {
  return new Uint8Array(bytes).buffer;
}

function parseJson(bytes: Uint8Array): unknown {
  const CHUNK_BYTES = 8192;
  let text = "";
  for (let at = 0; at < bytes.length; at += CHUNK_BYTES) {
    text += String.fromCharCode(...bytes.subarray(at, at + CHUNK_BYTES));
  }
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new V86StateError(`"state" has no machine's state: ${String(error)}`);
  }
}

function ceil4(length: number): number {
  return Math.ceil(length / 4) * 4;
}
