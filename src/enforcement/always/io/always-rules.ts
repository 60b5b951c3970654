/**
 * The operator's rule files: `deny.always`, `allow.always` and `log_skip.always` of one folder, read and watched.
 *
 * Whatever changed, all three are read again and handed on together, so both rule files change in one step. A file with a bad
 * line keeps the rules that it had, and the others change; a start is refused where that is `deny.always` (`readDenyAlways`). A missing file, or folder, is an empty one.
 *
 * Watching is by inotify on the folder, never on the files: editors and Kubernetes replace them (a ConfigMap swaps the symbolic
 * link `..data` in the same folder, which is a rename seen here). What inotify can't see is found by comparing stat results:
 * a folder that is not there yet, or was replaced, a file bind-mounted on its own, a file behind a link to elsewhere. So
 * the files are also compared each 500 ms where the folder can't be watched, and each 900 ms where it can.
 *
 * Known limit: a file is taken as it is 50 ms after the last event; one written in place more slowly is seen in parts.
 */
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { parseAlwaysFile, parseNameFile } from "../../../policy/always-file.ts";
import { type Problem, type Result, accepted, refused } from "../../../policy/problem.ts";
import type { Target } from "../../../policy/target.ts";
import { describe, errnoOf } from "../../errors.ts";
import { type WatchTimes, watchFolder } from "./watch-folder.ts";

/** What the three files say. */
export interface AlwaysRules {
  readonly denyAlways: readonly Target[];
  readonly allowAlways: readonly Target[];
  readonly logSkip: readonly Target[];
}

export interface AlwaysRulesPorts {
  /** Puts changed rules in force. When it throws, it is called again until it does not. */
  readonly apply: (rules: AlwaysRules) => Promise<void>;
  /** Lines or files that can't be read, once each time that they change; the rules that the file had stay. */
  readonly onProblems: (problems: readonly Problem[]) => void;
}

/** What the files said when they were read last. */
export interface AlwaysRulesReading {
  readonly rules: AlwaysRules;
  /** Of files and lines that can't be read, whose rules are an earlier reading's. */
  readonly problems: readonly Problem[];
}

/** The rule files of one folder, watched. */
export interface AlwaysRulesWatch {
  /** What was last read; the watch hands changes on only from now on. */
  readonly initial: AlwaysRules;
  latest(): AlwaysRulesReading;
  /** Stops watching; settles when what is being applied is done. */
  close(): Promise<void>;
}

const FILES = { denyAlways: "deny.always", allowAlways: "allow.always", logSkip: "log_skip.always" } as const;
const NO_RULES: AlwaysRules = { denyAlways: [], allowAlways: [], logSkip: [] };

/** Reads the three files; one with a problem keeps its rules of `previous`. `problems` name file and line. */
export async function loadAlwaysRules(
  folder: string,
  previous: AlwaysRules = NO_RULES,
): Promise<AlwaysRulesReading> {
  const [denyAlways, allowAlways, logSkip] = await Promise.all([
    readRules(join(folder, FILES.denyAlways), parseAlwaysFile),
    readRules(join(folder, FILES.allowAlways), parseAlwaysFile),
    readRules(join(folder, FILES.logSkip), parseNameFile),
  ]);
  return {
    rules: {
      denyAlways: denyAlways.ok ? denyAlways.value : previous.denyAlways,
      allowAlways: allowAlways.ok ? allowAlways.value : previous.allowAlways,
      logSkip: logSkip.ok ? logSkip.value : previous.logSkip,
    },
    problems: [denyAlways, allowAlways, logSkip].flatMap((result) => (result.ok ? [] : result.problems)),
  };
}

/** What `deny.always` says. To be asked before a start: one that cannot be read then has no earlier rules to keep, and nothing would be denied. */
export async function readDenyAlways(folder: string): Promise<Result<readonly Target[]>> {
  return readRules(join(folder, FILES.denyAlways), parseAlwaysFile);
}

/** Reads the folder and watches it from then on; nothing that changes after the reading is missed. */
export async function watchAlwaysRules(
  folder: string,
  ports: AlwaysRulesPorts,
  times: WatchTimes = { settleMs: 50, pollMs: 500, watchedPollMs: 900 },
): Promise<AlwaysRulesWatch> {
  let seen = await fingerprint(folder);
  let latest = await loadAlwaysRules(folder);
  const { rules: initial } = latest;
  if (latest.problems.length > 0) ports.onProblems(latest.problems);
  let applied = true;

  /** A hint is believed whatever stat says: two writes within one tick of the file system's clock have the same time. */
  async function look(hint: boolean): Promise<void> {
    const now = await fingerprint(folder);
    if (now === seen && applied && !hint) return;
    const { rules, problems } = latest;
    latest = await loadAlwaysRules(folder, rules);
    seen = now;
    const isNews = renderKey(latest.problems) !== renderKey(problems);
    if (latest.problems.length > 0 && isNews) ports.onProblems(latest.problems);
    if (applied && sameRules(latest.rules, rules)) return;
    applied = false;
    await ports.apply(latest.rules);
    applied = true;
  }

  const { close } = watchFolder(folder, look, times);
  return { initial, latest: () => latest, close };
}

async function readRules(
  path: string,
  parse: (fileName: string, text: string) => Result<readonly Target[]>,
): Promise<Result<readonly Target[]>> {
  try {
    return parse(path, await readFile(path, "utf8"));
  } catch (error) {
    const missing = errnoOf(error) === "ENOENT" || errnoOf(error) === "ENOTDIR";
    return missing ? accepted([]) : refused(`cannot be read: ${describe(error)}`, path);
  }
}

/** Changes whenever one of the files does: what stat says of each, links followed. */
async function fingerprint(folder: string): Promise<string> {
  const stats = await Promise.all(
    Object.values(FILES).map(async (name) => {
      const found = await stat(join(folder, name), { bigint: true }).catch(errnoOf);
      if (typeof found === "string") return found;
      return [found.dev, found.ino, found.size, found.mtimeNs, found.ctimeNs].join(" ");
    }),
  );
  return stats.join("\n");
}

function sameRules(one: AlwaysRules, other: AlwaysRules): boolean {
  const key = ({ denyAlways, allowAlways, logSkip }: AlwaysRules): string =>
    JSON.stringify([denyAlways, allowAlways, logSkip].map((targets) => targets.map((target) => target.key)));
  return key(one) === key(other);
}

function renderKey(problems: readonly Problem[]): string {
  return problems.map(({ path, message }) => `${path} ${message}`).join("\n");
}
