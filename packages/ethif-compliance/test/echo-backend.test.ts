import { testBackend } from "../src/index.ts";
import { ECHO_KEEPS, echoBackend } from "./support/echo-backend.ts";

testBackend({
  name: "an echo that does everything right",
  topology: "echo",
  keeps: ECHO_KEEPS,
  skip: [
    {
      reason: "an echo has no far end and no host",
      tests: ["tells the card when the carrier comes and goes", "does not throw when its host fails"],
    },
  ],
  setup: () => {
    const backend = echoBackend();
    return { backend, dropped: () => backend.dropped() };
  },
});
