/**
 * The operator's rule files: `deny.always`, `allow.always` and `log_skip.always` of one folder, read and
 * watched.
 *
 * Whatever changed, all three are read again and handed on together, so both rule files change in one step. A
 * file with a bad line keeps the rules that it had, and the others change; a start is refused where that is
 * `deny.always` (`readDenyAlways`). For a missing file that of the same name holds that the program ships, so
 * that an empty folder takes no protection away; an empty file does.
 *
 * Watching is by inotify on the folder, never on the files: editors and Kubernetes replace them (a ConfigMap
 * swaps the symbolic link `..data` in the same folder, which is a rename seen here). What inotify can't see
 * is found by comparing stat results: a folder that is not there yet, or was replaced, a file bind-mounted on
 * its own, a file behind a link to elsewhere. So the files are also compared each 500 ms where the folder
 * can't be watched, and each 900 ms where it can.
 *
 * Known limit: a file is taken as it is 50 ms after the last event; one written in place more slowly is seen
 * in parts.
 */
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { alwaysFileSteps, nameFileSteps } from "../../../policy/always-file.ts";
import { type Problem, type Result, accepted, refused } from "../../../policy/problem.ts";
import type { Steps } from "../../../policy/steps.ts";
import { sameTargetsSteps, type Target } from "../../../policy/target.ts";
import { runInSlices } from "../../../sys/in-slices.ts";
import { readRegularFile } from "../../../sys/regular-file.ts";
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
  /** Which files are in force, at first and whenever others are. */
  readonly onFiles: (files: RuleFiles) => void;
}

/** Where the files lie. */
export interface RuleFolders {
  /** The operator's; it need not be there. */
  readonly folder: string;
  /** For a file that the operator does not have, the one that counts. */
  readonly shipped?: string | undefined;
}

/** Of each list the path of the file in force; undefined if there is none. */
export type RuleFiles = Readonly<Record<keyof AlwaysRules, string | undefined>>;

/** What the files said when they were read last. */
export interface AlwaysRulesReading {
  readonly rules: AlwaysRules;
  readonly files: RuleFiles;
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
  folders: RuleFolders,
  previous: AlwaysRules = NO_RULES,
): Promise<AlwaysRulesReading> {
  const [denyAlways, allowAlways, logSkip] = await Promise.all([
    readRules(folders, FILES.denyAlways, alwaysFileSteps),
    readRules(folders, FILES.allowAlways, alwaysFileSteps),
    readRules(folders, FILES.logSkip, nameFileSteps),
  ]);
  return {
    rules: {
      denyAlways: denyAlways.rules.ok ? denyAlways.rules.value : previous.denyAlways,
      allowAlways: allowAlways.rules.ok ? allowAlways.rules.value : previous.allowAlways,
      logSkip: logSkip.rules.ok ? logSkip.rules.value : previous.logSkip,
    },
    files: { denyAlways: denyAlways.path, allowAlways: allowAlways.path, logSkip: logSkip.path },
    problems: [denyAlways, allowAlways, logSkip].flatMap(({ rules }) => (rules.ok ? [] : rules.problems)),
  };
}

/**
 * What `deny.always` says. To be asked before a start: one that cannot be read then has no earlier rules to
 * keep, and nothing would be denied.
 */
export async function readDenyAlways(folders: RuleFolders): Promise<Result<readonly Target[]>> {
  return (await readRules(folders, FILES.denyAlways, alwaysFileSteps)).rules;
}

/**
 * Reads the folder and watches it from then on; nothing that changes after the reading is missed. `before`:
 * what a file that has become unreadable said at an earlier reading.
 */
export async function watchAlwaysRules(
  folders: RuleFolders,
  ports: AlwaysRulesPorts,
  before: Partial<AlwaysRules> = {},
  times: WatchTimes = { settleMs: 50, pollMs: 500, watchedPollMs: 900 },
): Promise<AlwaysRulesWatch> {
  const { folder } = folders;
  let seen = await fingerprint(folder);
  let latest = await loadAlwaysRules(folders, { ...NO_RULES, ...before });
  const { rules: initial } = latest;
  ports.onFiles(latest.files);
  if (latest.problems.length > 0) ports.onProblems(latest.problems);
  let applied = true;

  /**
   * A hint is believed whatever stat says: two writes within one tick of the file system's clock have the
   * same time.
   */
  async function look(hint: boolean): Promise<void> {
    const now = await fingerprint(folder);
    if (now === seen && applied && !hint) return;
    const { rules, files, problems } = latest;
    latest = await loadAlwaysRules(folders, rules);
    seen = now;
    if (JSON.stringify(latest.files) !== JSON.stringify(files)) ports.onFiles(latest.files);
    const isNews = renderKey(latest.problems) !== renderKey(problems);
    if (latest.problems.length > 0 && isNews) ports.onProblems(latest.problems);
    if (applied && (await areSameRules(latest.rules, rules))) return;
    applied = false;
    await ports.apply(latest.rules);
    applied = true;
  }

  const { close } = watchFolder(folder, look, times);
  return { initial, latest: () => latest, close };
}

interface ReadFile {
  /** Undefined if there is none. */
  readonly path: string | undefined;
  readonly rules: Result<readonly Target[]>;
}

type Parse = (fileName: string, text: string) => Steps<Result<readonly Target[]>>;

/** The operator's file, otherwise the shipped one. */
async function readRules({ folder, shipped }: RuleFolders, name: string, parse: Parse): Promise<ReadFile> {
  for (const place of shipped === undefined ? [folder] : [folder, shipped]) {
    const path = join(place, name);
    const rules = await readFileIfThere(path, parse);
    if (rules !== undefined) return { path, rules };
  }
  return { path: undefined, rules: accepted([]) };
}

async function readFileIfThere(path: string, parse: Parse): Promise<Result<readonly Target[]> | undefined> {
  try {
    // Hundreds of thousands of lines take seconds.
    return await runInSlices(parse(path, (await readRegularFile(path)).toString()));
  } catch (error) {
    const missing = errnoOf(error) === "ENOENT" || errnoOf(error) === "ENOTDIR";
    return missing ? undefined : refused(`cannot be read: ${describe(error)}`, path);
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

async function areSameRules(one: AlwaysRules, other: AlwaysRules): Promise<boolean> {
  for (const list of ["denyAlways", "allowAlways", "logSkip"] as const) {
    if (!(await runInSlices(sameTargetsSteps(one[list], other[list])))) return false;
  }
  return true;
}

function renderKey(problems: readonly Problem[]): string {
  return problems.map(({ path, message }) => `${path} ${message}`).join("\n");
}
