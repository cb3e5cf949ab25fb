import type { RunningDemo } from "./demo.ts";

/** Ctrl-] ends the shell, as in telnet. */
const ESCAPE = 0x1d;

/**
 * Joins the terminal with the first guest's console until the user types Ctrl-] or the input ends.
 */
export async function joinConsole(demo: RunningDemo, signal: AbortSignal): Promise<void> {
  const guest = demo.guests[0];
  if (guest === undefined) return;
  const input = process.stdin;
  const raw = input.isTTY === true;
  if (raw) input.setRawMode(true);
  demo.console.sink = (text) => process.stdout.write(text);
  // The prompt that is there already was written before anybody looked.
  guest.sendText("\n");
  try {
    await new Promise<void>((resolve) => {
      signal.addEventListener("abort", () => resolve(), { once: true });
      input.on("end", () => resolve());
      input.on("data", (data: Buffer) => {
        const end = data.indexOf(ESCAPE);
        guest.sendText(data.subarray(0, end < 0 ? data.length : end).toString("latin1"));
        if (end >= 0) resolve();
      });
    });
  } finally {
    demo.console.sink = null;
    if (raw) input.setRawMode(false);
    input.pause();
  }
}
