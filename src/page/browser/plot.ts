/** Allowed and denied decisions over time. */
import Plot from "uplot";
import type { Side } from "../model/decision.ts";
import type { Timeline } from "../model/timeline.ts";
import { byId } from "./dom.ts";

export interface TimelinePlot {
  draw(nowMs: number): void;
}

const SIDES: readonly { readonly side: Side; readonly dash: number[] }[] = [
  { side: "allowed", dash: [] },
  { side: "denied", dash: [8, 4] },
  { side: "other", dash: [2, 3] },
];
const HEIGHT = 160;

export function createTimelinePlot(timeline: Timeline): TimelinePlot {
  const place = byId("plot", HTMLElement);
  let plot = createPlot(place);
  const again = (): void => {
    plot.destroy();
    plot = createPlot(place);
  };
  // A canvas takes colours once.
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", again);
  new ResizeObserver(() => plot.setSize({ width: place.clientWidth, height: HEIGHT })).observe(place);
  return {
    draw(nowMs) {
      const { seconds, allowed, denied, other } = timeline.read(nowMs);
      plot.setData([[...seconds], [...allowed], [...denied], [...other]]);
      const total = timeline.total(nowMs);
      for (const { side } of SIDES) {
        byId(`total-${side}`, HTMLElement).textContent = total[side].toLocaleString();
      }
    },
  };
}

function createPlot(place: HTMLElement): Plot {
  const [text, line] = [getComputedStyle(place).color, colourOf("line")];
  const axis: Plot.Axis = {
    stroke: text,
    font: "12px system-ui, sans-serif",
    grid: { stroke: line, width: 1 },
    ticks: { stroke: line, width: 1 },
  };
  const stepped = Plot.paths.stepped?.({ align: 1 });
  const series = SIDES.map(({ side, dash }): Plot.Series => {
    const colour = colourOf(side);
    return { stroke: colour, width: 2, dash, points: { show: false }, ...(stepped && { paths: stepped }) };
  });
  const options: Plot.Options = {
    width: place.clientWidth,
    height: HEIGHT,
    legend: { show: false },
    cursor: { show: false },
    scales: { y: { range: (_plot, _least, most) => [0, Math.max(4, most * 1.1)] } },
    axes: [
      { ...axis, size: 28, values: (_plot, seconds) => seconds.map(clockOf) },
      { ...axis, size: 44, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000] },
    ],
    series: [{}, ...series],
  };
  return new Plot(options, [[0], [0], [0], [0]], place);
}

/** As the style says for the scheme that is in force. */
function colourOf(name: Side | "line"): string {
  const probe = document.createElement("span");
  probe.style.color = `var(--${name})`;
  document.body.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}

function clockOf(seconds: number): string {
  const at = new Date(seconds * 1000);
  const parts = [at.getHours(), at.getMinutes(), ...(at.getSeconds() === 0 ? [] : [at.getSeconds()])];
  return parts.map((part) => String(part).padStart(2, "0")).join(":");
}
