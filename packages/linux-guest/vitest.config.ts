import { defineProject } from "vitest/config";

// A guest takes seconds to boot, and longer where the machine has other work; the first one of a machine is fetched.
export default defineProject({ test: { testTimeout: 240_000, hookTimeout: 600_000 } });
