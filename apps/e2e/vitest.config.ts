import { defineProject } from "vitest/config";

export default defineProject({
  test: {
    // Guests are emulated processors: two files at once would only slow each other down.
    fileParallelism: false,
    maxWorkers: 1,
    // After everything that is quick.
    sequence: { groupOrder: 1 },
    testTimeout: 600_000,
    hookTimeout: 1_000_000,
  },
});
