import type { MacAddress } from "@vmmkit/ethif";
import { ComplianceError } from "./compliance-error.ts";

/** The EtherType of the suite's frames: IEEE's first one for local experiments. Everything else on a wire is noise. */
const TEST_ETHERTYPE = 0x88b5;

const VLAN_ETHERTYPE = 0x8100;
const HEADER_BYTES = 14;
const TAG_BYTES = 4;
const NUMBER_BYTES = 4;

/** What a frame of the suite is made of. */
export interface TestFrameInit {
  readonly to: MacAddress;
  readonly from: MacAddress;
  /** Length in bytes, at least 14. */
  readonly size: number;
  /** The frame's number, 0 to 2^32 - 1. Stands in the frame, and its payload follows from it. */
  readonly number: number;
  /** Whether there is a VLAN tag. Default false. */
  readonly tagged?: boolean;
}

/** Makes a frame: addresses, EtherType, number, and bytes that no other number has. */
export function testFrame(init: TestFrameInit): Uint8Array {
  const bytes = new Uint8Array(init.size);
  bytes.set(init.to, 0);
  bytes.set(init.from, 6);
  const view = new DataView(bytes.buffer);
  let at = 12;
  if (init.tagged === true) {
    view.setUint16(at, VLAN_ETHERTYPE);
    view.setUint16(at + 2, 1);
    at += TAG_BYTES;
  }
  view.setUint16(at, TEST_ETHERTYPE);
  at += 2;
  if (at + NUMBER_BYTES <= init.size) {
    view.setUint32(at, init.number);
    at += NUMBER_BYTES;
  }
  let state = (init.number + 1) * 0x9e37_79b1;
  for (; at < init.size; at++) {
    state = (Math.imul(state, 0x19_660d) + 0x3c6e_f35f) >>> 0;
    bytes[at] = state >>> 24;
  }
  return bytes;
}

/** Whether a frame is one of the suite's. */
export function isTestFrame(bytes: Uint8Array): boolean {
  return payloadAt(bytes) > 0;
}

/** The number in a frame, or -1 where it is not one of the suite's or too short for one. */
export function frameNumber(bytes: Uint8Array): number {
  const at = payloadAt(bytes);
  if (at === 0 || at + NUMBER_BYTES > bytes.length) return -1;
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(at);
}

/** @throws ComplianceError where a frame is not, byte for byte, the one expected */
export function expectSameFrame(actual: Uint8Array, expected: Uint8Array): void {
  if (actual.length !== expected.length) {
    const numbers = `${frameNumber(expected)}, got number ${frameNumber(actual)}`;
    throw new ComplianceError(
      `expected a frame of ${expected.length} bytes, got ${actual.length} bytes (expected number ${numbers})`,
    );
  }
  const at = actual.findIndex((byte, i) => byte !== expected[i]);
  if (at < 0) return;
  throw new ComplianceError(
    `expected frame ${frameNumber(expected)}, got frame ${frameNumber(actual)}: byte ${at} of ${expected.length} ` +
      `is ${actual[at]}, not ${expected[at]}`,
  );
}

/** Where the payload of a test frame starts; 0 where it is another frame. */
function payloadAt(bytes: Uint8Array): number {
  if (bytes.length < HEADER_BYTES) return 0;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const type = view.getUint16(12);
  if (type === TEST_ETHERTYPE) return HEADER_BYTES;
  if (type !== VLAN_ETHERTYPE || bytes.length < HEADER_BYTES + TAG_BYTES) return 0;
  return view.getUint16(16) === TEST_ETHERTYPE ? HEADER_BYTES + TAG_BYTES : 0;
}
