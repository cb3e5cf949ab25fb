import Table from "cli-table3";
import { measure } from "./measure.ts";
import { ringLoops } from "./rings.ts";

const costs = await measure(ringLoops());
const table = new Table({ head: ["loop", "ns/frame", "spread", "frames/s", "B allocated/frame"] });
for (const [name, cost] of costs) {
  table.push([
    name,
    cost.nsPerFrame.toFixed(1),
    cost.spread.map((ns) => ns.toFixed(0)).join("-"),
    Math.round(1e9 / cost.nsPerFrame).toLocaleString("en"),
    cost.bytesPerFrame === null ? "collected" : cost.bytesPerFrame.toFixed(3),
  ]);
}
process.stdout.write(`${table.toString()}\n`);
