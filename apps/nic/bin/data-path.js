// What `nic serve` runs for a data path, from the sources as they are.
import { register } from "tsx/esm/api";

register();
await import("../src/data-path/entry.ts");
