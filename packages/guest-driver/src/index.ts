/** The guest's side of virtio-net in TypeScript, for tests, benchmarks and fuzzing. @module */
export {};
