import { type Figure, median, ratio } from "../section.ts";
import { describeRun, type Report } from "./report.ts";
import { short } from "./table.ts";

const WIDTH = 860;
const NAMES_WIDTH = 250;
const BARS_WIDTH = 360;
const ROW = 20;
const BAR = 12;
const MARGIN = 16;

const STYLE = `
  text { font: 12px system-ui, sans-serif; fill: #1f2328 }
  .title { font-weight: 600 } .small { font-size: 11px; fill: #59636e }
  .bar { fill: #3b82c4 } .peer { stroke: #c2410c; stroke-width: 2 } .paper { fill: #fff }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 } .small { fill: #9198a1 } .bar { fill: #58a6ff } .peer { stroke: #fb923c } .paper { fill: #0d1117 }
  }`;

/** A report as bars: a group for each section and unit, drawn to its longest bar, with a mark at the peer's figure. */
export function picture(report: Report): string {
  const rows: string[] = [];
  let y = MARGIN;
  const line = (className: string, text: string): void => {
    rows.push(`<text class="${className}" x="${MARGIN}" y="${y + BAR}">${xml(text)}</text>`);
    y += ROW;
  };
  for (const { name, about, figures, run } of report.sections) {
    for (const [unit, group] of byUnit(figures)) {
      line("title", `${name}: ${about} (${unit}${group[0]?.lessIsBetter === true ? ", less is better" : ""})`);
      const most = Math.max(
        ...group.map(({ rounds, against }) => Math.max(median(rounds), median(against?.rounds ?? [0]))),
      );
      for (const figure of group) {
        rows.push(bar(figure, y, most));
        y += ROW;
      }
      y += ROW / 2;
    }
    if (run !== undefined) line("small", `${describeRun(run)}: ${run.command}`);
  }
  line("small", `${describeRun(report)}`);
  line("small", `${report.command}. Bars: medians. Marks: what they are compared with, in the same run and in turns.`);
  const size = `width="${WIDTH}" height="${y + MARGIN}" viewBox="0 0 ${WIDTH} ${y + MARGIN}"`;
  const paper = `<rect class="paper" width="${WIDTH}" height="${y + MARGIN}"/>`;
  return `<svg xmlns="http://www.w3.org/2000/svg" ${size} role="img" aria-label="What the card costs">
<style>${STYLE}
</style>
${[paper, ...rows].join("\n")}
</svg>
`;
}

function bar(figure: Figure, y: number, most: number): string {
  const x = MARGIN + NAMES_WIDTH;
  const value = median(figure.rounds);
  const times = ratio(figure);
  const width = scale(value, most);
  const name = `<text x="${MARGIN}" y="${y + BAR - 1}">${xml(figure.name)}</text>`;
  const box = `<rect class="bar" x="${x}" y="${y}" width="${width}" height="${BAR}"/>`;
  const peerAt = x + scale(median(figure.against?.rounds ?? []), most);
  const mark =
    figure.against === undefined
      ? ""
      : `<path class="peer" d="M${peerAt} ${y - 2}v${BAR + 4}"><title>${xml(figure.against.name)}</title></path>`;
  const compared = times === null ? "" : ` · ${times.toFixed(1)}× ${figure.against?.name}`;
  const label = `<text class="small" x="${x + BARS_WIDTH + 8}" y="${y + BAR - 1}">${xml(short(value) + compared)}</text>`;
  return name + box + mark + label;
}

function scale(value: number, most: number): number {
  return most > 0 && Number.isFinite(value) ? Math.round((value / most) * BARS_WIDTH * 10) / 10 : 0;
}

function byUnit(figures: readonly Figure[]): Map<string, Figure[]> {
  const groups = new Map<string, Figure[]>();
  for (const figure of figures) {
    const group = groups.get(figure.unit);
    if (group === undefined) groups.set(figure.unit, [figure]);
    else group.push(figure);
  }
  return groups;
}

function xml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
