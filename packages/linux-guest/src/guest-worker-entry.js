// A thread has no loader for TypeScript of its own: whether its parent has one (tsx) or another (vitest), it starts
// here, in JavaScript.
import { register } from "tsx/esm/api";

register();
await import("./guest-worker.ts");
