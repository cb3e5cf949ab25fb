import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/** Collects everything that nobody refers to, twice, as finalizers run between two collections. */
export async function collectGarbage(): Promise<void> {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  for (let i = 0; i < 2; i++) {
    collect();
    await new Promise((resolve) => setImmediate(resolve));
  }
}
