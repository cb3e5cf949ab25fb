import type { V86 } from "v86";

const DEFAULT_ROWS = 25;

/** What stands on an emulated PC's VGA screen in text mode, for programs that write nowhere else. */
export class VgaText {
  readonly #cells: string[][] = [];
  #rows = DEFAULT_ROWS;

  /** @param v86 an emulator; what it shows from now on is seen */
  constructor(v86: V86) {
    v86.add_listener("screen-set-size", ([, rows, bitsPerPixel]) => {
      if (bitsPerPixel === 0) this.#rows = rows;
    });
    v86.add_listener("screen-put-char", ([row, column, code]) => {
      this.#cells[row] ??= [];
      const cells = this.#cells[row];
      cells[column] = code === 0 ? " " : String.fromCharCode(code);
    });
  }

  /** The screen's lines, without spaces at their ends. */
  get lines(): string[] {
    const line = (row: number): string => Array.from(this.#cells[row] ?? [], (cell) => cell ?? " ").join("");
    return Array.from({ length: this.#rows }, (_, row) => line(row).trimEnd());
  }
}
