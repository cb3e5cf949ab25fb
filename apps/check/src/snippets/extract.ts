/** A block of TypeScript in a document. */
export interface Snippet {
  /** The document, from the repository's root. */
  readonly file: string;
  /** The document's line that the first line of code stands on, from 1. */
  readonly line: number;
  readonly code: string;
  /** Whether the block is marked `ts run`: the tests execute it. */
  readonly run: boolean;
  /** What a block that runs prints, by the `text` block that follows it; undefined where none does. */
  readonly prints?: string;
}

/** Marks that look like TypeScript and would slip by. A fragment that is no program is `text`. */
const OTHER_MARKS = new Set(["typescript", "tsx", "js", "javascript", "jsx", "mjs", "mts"]);

interface Block {
  readonly language: string;
  readonly words: string;
  readonly line: number;
  readonly lines: string[];
}

/**
 * The TypeScript blocks of a document: of Markdown, or of the comments of a source.
 * @throws Error for a block that is marked in another way than `ts`, and for one that never ends
 */
export function extractSnippets(file: string, text: string): Snippet[] {
  const blocks = readBlocks(file, file.endsWith(".ts") ? commentText(text) : text);
  return blocks.flatMap((block, at) => {
    if (OTHER_MARKS.has(block.language)) {
      throw new Error(
        `${file}:${block.line - 1}: mark the block "ts", which is compiled, or "text"; not "${block.language}"`,
      );
    }
    if (block.language !== "ts") return [];
    const next = blocks[at + 1];
    const run = block.words === "run";
    const snippet = { file, line: block.line, code: block.lines.join("\n"), run };
    return run && next?.language === "text" ? [{ ...snippet, prints: next.lines.join("\n") }] : [snippet];
  });
}

/** A source with everything blank that is not a documentation comment, line for line. */
function commentText(source: string): string {
  let inside = false;
  const lines = source.split("\n").map((line) => {
    if (/^\s*\/\*\*/.test(line)) inside = true;
    const text = inside ? line.replace(/^\s*(\/\*\*|\*(?!\/)) ?/, "") : "";
    if (line.includes("*/")) inside = false;
    return text;
  });
  return lines.join("\n");
}

function readBlocks(file: string, text: string): Block[] {
  const blocks: Block[] = [];
  let open: (Block & { readonly fence: string; readonly indent: number }) | null = null;
  for (const [at, line] of text.split("\n").entries()) {
    const mark = /^( *)(`{3,})([\w-]*) *(.*)$/.exec(line);
    if (open === null) {
      if (mark === null) continue;
      const [, indent = "", fence = "", language = "", words = ""] = mark;
      open = { language, words, line: at + 2, lines: [], fence, indent: indent.length };
    } else if (mark?.[2]?.startsWith(open.fence) && mark[3] === "") {
      blocks.push(open);
      open = null;
    } else {
      open.lines.push(line.slice(Math.min(open.indent, line.length - line.trimStart().length)));
    }
  }
  if (open !== null) throw new Error(`${file}:${open.line - 1}: the block never ends`);
  return blocks;
}
