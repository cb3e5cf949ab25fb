import type { BootProgress, ImageStep } from "@vmmkit/linux-guest";
import { MultiBar, type SingleBar } from "cli-progress";

/** Where the demo tells how far it is. */
export interface Screen {
  /** The guest image is being made. */
  image(step: ImageStep): void;
  /** A guest is booting. */
  boot(guest: string, progress: BootProgress): void;
  /** What is done now. */
  say(line: string): void;
  /** Nothing more comes: bars are taken down. */
  end(): void;
}

/** Bars on a terminal, side by side for the guests; lines elsewhere; nothing at all if it is to be quiet. */
export function makeScreen(quiet: boolean): Screen {
  if (quiet) return { image: () => {}, boot: () => {}, say: () => {}, end: () => {} };
  return process.stdout.isTTY ? new BarScreen() : new LineScreen();
}

const BAR_STEPS = 1000;

class BarScreen implements Screen {
  #bars: MultiBar | null = null;
  readonly #byName = new Map<string, SingleBar>();

  image(step: ImageStep): void {
    this.#set("guest image", step.total > 0 ? step.done / step.total : 0, step.phase);
  }

  boot(guest: string, progress: BootProgress): void {
    this.#set(guest, progress.fraction, progress.phase);
  }

  say(line: string): void {
    this.end();
    process.stdout.write(`${line}\n`);
  }

  end(): void {
    this.#bars?.stop();
    this.#bars = null;
    this.#byName.clear();
  }

  #set(name: string, fraction: number, phase: string): void {
    this.#bars ??= new MultiBar({
      format: " {name} {bar} {percentage}% {phase}",
      barCompleteChar: "█",
      barIncompleteChar: "░",
      hideCursor: true,
      clearOnComplete: false,
    });
    let bar = this.#byName.get(name);
    if (bar === undefined) {
      bar = this.#bars.create(BAR_STEPS, 0, { name: name.padEnd(12), phase });
      this.#byName.set(name, bar);
    }
    bar.update(Math.round(fraction * BAR_STEPS), { phase });
  }
}

class LineScreen implements Screen {
  readonly #phases = new Map<string, string>();

  image(step: ImageStep): void {
    this.#change("guest image", step.phase);
  }

  boot(guest: string, progress: BootProgress): void {
    this.#change(guest, progress.phase);
  }

  say(line: string): void {
    process.stdout.write(`${line}\n`);
  }

  end(): void {
    this.#phases.clear();
  }

  #change(name: string, phase: string): void {
    if (this.#phases.get(name) === phase) return;
    this.#phases.set(name, phase);
    process.stdout.write(`${name}: ${phase}\n`);
  }
}
