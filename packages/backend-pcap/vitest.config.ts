import { defineProject } from "vitest/config";

// Some tests start tcpdump, tshark and the like, which takes its time where the machine has other work.
export default defineProject({ test: { testTimeout: 60_000 } });
