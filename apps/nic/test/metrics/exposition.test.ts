import { expect, it } from "vitest";
import { formatMetrics } from "../../src/metrics/exposition.ts";

it("a metric has its help, its type and a line for each sample; labels are escaped", () => {
  const text = formatMetrics([
    {
      name: "frames_total",
      type: "counter",
      help: "Frames.",
      samples: [
        { labels: { card: 'a"b\\c\nd' }, value: 3 },
        { labels: {}, value: 0.5 },
      ],
    },
    { name: "empty", type: "gauge", help: "None.", samples: [] },
  ]);
  expect(text).toBe(
    '# HELP frames_total Frames.\n# TYPE frames_total counter\nframes_total{card="a\\"b\\\\c\\nd"} 3\nframes_total 0.5\n',
  );
});
