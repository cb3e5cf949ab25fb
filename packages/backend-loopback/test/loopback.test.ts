import { testBackend } from "@vmmkit/ethif-compliance";
import { loopbackBackend } from "../src/index.ts";
import { sum } from "./support/dropped.ts";

testBackend({
  name: "loopback",
  topology: "echo",
  keeps: 256,
  setup: () => {
    const backend = loopbackBackend();
    return { backend, dropped: () => sum(backend.stats().dropped) };
  },
});
