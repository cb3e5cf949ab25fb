import type { V86 } from "v86";
import { expect, test } from "vitest";
import { VgaText } from "../src/vga-text.ts";

type Listener = (argument: readonly number[]) => void;

/** The events of an emulator that has only a screen. */
function screen(): { v86: V86; send(event: string, ...argument: number[]): void } {
  const listeners = new Map<string, Listener>();
  const v86 = { add_listener: (event: string, listener: Listener) => listeners.set(event, listener) };
  return { v86: v86 as unknown as V86, send: (event, ...argument) => listeners.get(event)?.(argument) };
}

test("characters stand where they were put, and line ends are clean", () => {
  const { v86, send } = screen();
  const text = new VgaText(v86);
  for (const [column, character] of [..."ok\0 "].entries())
    send("screen-put-char", 1, column + 2, character.charCodeAt(0));
  expect(text.lines).toHaveLength(25);
  expect(text.lines.slice(0, 3)).toEqual(["", "  ok", ""]);
});

test("the screen has as many lines as its text mode", () => {
  const { v86, send } = screen();
  const text = new VgaText(v86);
  send("screen-set-size", 80, 50, 0);
  expect(text.lines).toHaveLength(50);
  send("screen-set-size", 640, 480, 8);
  expect(text.lines).toHaveLength(50);
});
