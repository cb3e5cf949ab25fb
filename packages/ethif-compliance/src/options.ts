import type { Backend, MacAddress } from "@vmmkit/ethif";

/**
 * How the far end is connected. `echo`: what the card sends comes back to it, and there is no far end. `wire`: a
 * peer sends and receives.
 */
export type Topology = "echo" | "wire";

/** The far end of a backend's wire, as the test of that backend provides it. */
export interface Peer {
  /** Sends a frame towards the card. */
  send(frame: Uint8Array): void | Promise<void>;
  /** The next frame that the card sent, in order; the promise waits for it. Noise of a real wire is left out. */
  receive(): Promise<Uint8Array>;
  /** Takes the carrier away or brings it back, where that can be done from the far end. */
  setLink?(up: boolean): void | Promise<void>;
  /** Stops taking frames from the wire, so that it fills up; `resume` goes on. */
  pause?(): void | Promise<void>;
  resume?(): void | Promise<void>;
}

/** What `setup` provides for one test. */
export interface BackendUnderTest {
  /** A new backend that has no card yet. */
  readonly backend: Backend;
  /** The far end; absent for `echo`. */
  readonly peer?: Peer;
  /** How many frames were thrown away on this wire so far, both ways. Without it none may be missing. */
  readonly dropped?: () => number;
  /** Makes the host's side fail: the interface goes, the socket breaks. */
  readonly fail?: () => void | Promise<void>;
}

/** Options of `testBackend`. */
export interface TestBackendOptions {
  /** Name of the suite. */
  readonly name: string;
  /** How the far end is connected. Default `wire`. */
  readonly topology?: Topology;
  /** Makes what one test needs. */
  readonly setup: () => BackendUnderTest | Promise<BackendUnderTest>;
  /** Puts away what `setup` made. The suite has closed the backend. */
  readonly teardown?: (made: BackendUnderTest) => void | Promise<void>;
  /** Tests that this backend cannot pass, each with its reason. */
  readonly skip?: readonly { readonly reason: string; readonly tests: readonly string[] }[];
  /** How many frames for the card the backend keeps while the guest has no room. Default 16. */
  readonly keeps?: number;
  /** The address of the far end. Default 02:00:00:00:00:fe. */
  readonly peerMac?: MacAddress;
  /** How long a test waits for something that has to happen, in milliseconds. Default 5000. */
  readonly deadlineMs?: number;
}
