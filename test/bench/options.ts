/** The bench's command line. */
import { parseArgs } from "node:util";

export interface BenchOptions {
  /** Beginnings of experiments' names; empty for all. */
  readonly experiments: readonly string[];
  readonly seconds: number;
  readonly rounds: number;
  readonly soakSeconds: number;
  readonly crowd: number;
  readonly limitMinutes: number;
  readonly json: string;
  readonly svg: boolean;
  readonly pin: boolean;
  readonly unbuilt: boolean;
  /** The bundle of another checkout, to be started beside this one's. */
  readonly beside: string | undefined;
  readonly help: boolean;
}

export const HELP = `usage: npm run bench -- [options] [EXPERIMENT...]

  --seconds N     length of one run of one server (default 1)
  --rounds N      runs of each server, in turn; the table shows medians (default 3)
  --soak N        seconds of the soak at 5,000 lookups/s (default 10)
  --crowd N       so many sandboxes at once (default 0: not run; at most 100)
  --limit N       minutes after which it gives up (default 30)
  --json PATH     where the figures go (default node_modules/.cache/egress-bench/figures.json)
  --pin           server under test on one processor, load and upstream on another
  --svg           draw docs/performance.svg, too
  --unbuilt       run src/main.ts even where npm run build has left a bundle
  --beside PATH   the bundle of another checkout, dist/egress.mjs: the row \`start\` starts it in turn with this one's`;

/** A text says what is wrong. */
export function readOptions(args: readonly string[]): BenchOptions | string {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        seconds: { type: "string", default: "1" },
        rounds: { type: "string", default: "3" },
        soak: { type: "string", default: "10" },
        crowd: { type: "string", default: "0" },
        limit: { type: "string", default: "30" },
        json: { type: "string", default: "node_modules/.cache/egress-bench/figures.json" },
        svg: { type: "boolean", default: false },
        pin: { type: "boolean", default: false },
        unbuilt: { type: "boolean", default: false },
        beside: { type: "string" },
        help: { type: "boolean", default: false },
      },
    });
    return {
      experiments: positionals,
      seconds: readNumber("--seconds", values.seconds, 0.2, 600),
      rounds: readNumber("--rounds", values.rounds, 1, 99),
      soakSeconds: readNumber("--soak", values.soak, 1, 3600),
      crowd: readNumber("--crowd", values.crowd, 0, 100),
      limitMinutes: readNumber("--limit", values.limit, 1, 180),
      json: values.json,
      svg: values.svg,
      pin: values.pin,
      unbuilt: values.unbuilt,
      beside: values.beside,
      help: values.help,
    };
  } catch (error) {
    return `${error instanceof Error ? error.message : String(error)}\n${HELP}`;
  }
}

function readNumber(name: string, text: string, least: number, most: number): number {
  const number = Number(text);
  if (number >= least && number <= most) return number;
  throw new RangeError(`${name} takes a number from ${least} to ${most}, not "${text}"`);
}
