import { prepareImage, runTests, startGuests } from "./demo.ts";
import { type DemoOptions, parseOptions } from "./options.ts";
import { formatReport } from "./report.ts";
import { makeScreen } from "./screen.ts";
import { joinConsole } from "./shell.ts";

const INTERRUPTED = 130;

/** What has to be closed, whatever happens. */
let close: () => Promise<void> = async () => {};

async function main(options: DemoOptions, signal: AbortSignal): Promise<number> {
  const screen = makeScreen(options.json);
  try {
    const image = await prepareImage(options, screen, signal);
    screen.end();
    screen.say(
      `Linux ${image.kernelRelease}, ${options.guests} guest${options.guests === 1 ? "" : "s"}, backend ${options.backend.text}`,
    );
    const demo = await startGuests(options, image, screen, (closer) => {
      close = closer;
    });
    if (options.shell) {
      screen.say(`${demo.stations.map(({ name, address }) => `${name} is ${address}`).join(", ")}. Ctrl-] ends.`);
      await joinConsole(demo, signal);
      return 0;
    }
    const report = await runTests(demo, options, screen);
    process.stdout.write(
      `${options.json ? JSON.stringify(report, null, 2) : formatReport(report, options.features)}\n`,
    );
    if (options.keep) {
      screen.say("The guests go on running. Ctrl-C ends.");
      await aborted(signal);
    }
    return report.held ? 0 : 1;
  } finally {
    screen.end();
    await close();
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

const controller = new AbortController();
for (const name of ["SIGINT", "SIGTERM"] as const) process.once(name, () => controller.abort());

const options = parseOptions(process.argv.slice(2));
// Whatever is under way when the user interrupts: it is closed in `finally`, and what fails by that is no news.
const status = await Promise.race([
  main(options, controller.signal).catch((error: unknown) => {
    if (controller.signal.aborted) return INTERRUPTED;
    process.stderr.write(`demo: ${error instanceof Error ? error.message : String(error)}\n`);
    return 1;
  }),
  aborted(controller.signal).then(async () => {
    await close();
    return options.keep || options.shell ? 0 : INTERRUPTED;
  }),
]);
process.exit(status);
