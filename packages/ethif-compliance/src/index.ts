/**
 * One test suite that every backend passes.
 *
 * ```ts
 * import { loopbackBackend } from "@vmmkit/backend-loopback";
 * import { testBackend } from "@vmmkit/ethif-compliance";
 *
 * testBackend({
 *   name: "loopback",
 *   topology: "echo",
 *   setup: () => ({ backend: loopbackBackend() }),
 * });
 * ```
 *
 * @module
 */
export type { Bench, Direction } from "./bench.ts";
export type { Check } from "./check.ts";
export { checks } from "./checks/index.ts";
export { ComplianceError } from "./compliance-error.ts";
export { nextTurn, until, within } from "./deadline.ts";
export type { BackendUnderTest, Peer, TestBackendOptions, Topology } from "./options.ts";
export { PeerCard } from "./peer-card.ts";
export { runCheck } from "./run-check.ts";
export { testBackend } from "./test-backend.ts";
export { TestCard, type TestCardOptions } from "./test-card.ts";
export { expectSameFrame, frameNumber, isTestFrame, type TestFrameInit, testFrame } from "./test-frames.ts";
