import { availableParallelism } from "node:os";

/** Like `map`, with as many at work at a time as this machine has processors. Answers in the order of `items`. */
export async function mapInParallel<In, Out>(items: readonly In[], work: (item: In) => Promise<Out>): Promise<Out[]> {
  const results: Out[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < items.length) {
      const at = next++;
      results[at] = await work(items[at] as In);
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, worker));
  return results;
}
