import { missingForTap } from "../measure/installed.ts";
import type { Section } from "../section.ts";
import { forwarderFigures } from "./forwarder.ts";
import { frameFigures } from "./frames.ts";
import { latencyFigures } from "./latency.ts";
import { NativeTap } from "./native-tap.ts";

/** TAP, against a program in C that does the same with the same flags. */
export const tap: Section = {
  name: "tap",
  about: "between a ring and the kernel, and back; frame to reaction; TCP through a forwarder; against C",
  inShort: false,
  missing: () =>
    missingForTap([
      ["ip", "network namespaces"],
      ["iperf3", "TCP through a forwarder"],
      ["cc", "the program in C"],
    ]),
  async run(context) {
    const native = await NativeTap.make();
    if (native === null) throw new Error("there is no C compiler");
    try {
      return [
        ...(await frameFigures(native, context)),
        ...(await latencyFigures(native, context)),
        ...(await forwarderFigures(native, context)),
      ];
    } finally {
      await native.dispose();
    }
  },
};
