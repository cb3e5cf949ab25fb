import { CommandError } from "./errors.ts";
import { Limits } from "./limits.ts";
import { EINVAL, VERSION_MAJOR, VERSION_MINOR } from "./spec.ts";
import { needBytes } from "./u64.ts";

/** What this server says of itself, where the client said it of itself. */
const OWN_CAPABILITIES: Readonly<Record<string, number>> = {
  max_msg_fds: Limits.descriptors,
  max_data_xfer_size: Limits.dataBytes,
  max_dma_maps: Limits.dmaMaps,
  pgsizes: 4096,
};

/**
 * Answers a proposed version and its capabilities. The answer has the capabilities that both sides know: with
 * `write_multiple` in it, a client would send commands that are not served here.
 * @throws CommandError where there is no version that both speak
 */
export function negotiate(body: DataView): Uint8Array {
  needBytes(body, 4);
  const [major, minor] = [body.getUint16(0, true), body.getUint16(2, true)];
  if (major !== VERSION_MAJOR) throw new CommandError(EINVAL, `the client speaks version ${major}.${minor}`);
  const proposed = readCapabilities(new Uint8Array(body.buffer, body.byteOffset + 4, body.byteLength - 4));
  const capabilities = Object.fromEntries(Object.entries(OWN_CAPABILITIES).filter(([name]) => name in proposed));
  const text = new TextEncoder().encode(`${JSON.stringify({ capabilities })}\0`);
  const answer = new Uint8Array(4 + text.length);
  const view = new DataView(answer.buffer);
  view.setUint16(0, major, true);
  view.setUint16(2, Math.min(minor, VERSION_MINOR), true);
  answer.set(text, 4);
  return answer;
}

/** The object that a client's text has as "capabilities". No text at all is none. */
function readCapabilities(bytes: Uint8Array): object {
  const end = bytes.indexOf(0);
  const text = new TextDecoder().decode(end < 0 ? bytes : bytes.subarray(0, end));
  if (text.trim() === "") return {};
  try {
    const { capabilities } = Object(JSON.parse(text)) as { readonly capabilities?: unknown };
    return typeof capabilities === "object" && capabilities !== null ? capabilities : {};
  } catch {
    throw new CommandError(EINVAL, "the client's capabilities are not JSON");
  }
}
