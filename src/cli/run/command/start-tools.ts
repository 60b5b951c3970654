/** The programs that stand between the last shell and the command. */
import { realpathSync } from "node:fs";
import { basename } from "node:path";
import { findTool } from "../../../netns/find-tool.ts";
import { accepted, refused, type Result } from "../../../policy/problem.ts";
import type { StartTools } from "./exact-start.ts";

/** Programs that are many in one, whose env(1) cannot split a string. */
const WITHOUT_SPLIT: ReadonlySet<string> = new Set(["busybox", "toybox"]);

/** Where they are on `path`, a list of folders; refused if they will not do. */
export function findStartTools(path: string): Result<StartTools> {
  const [env, setpriv] = ["env", "setpriv"].map((tool) => findTool(tool, path));
  if (env === undefined || setpriv === undefined) return refused("no env or setpriv is in PATH");
  const whose = basename(realpathSync(env));
  return WITHOUT_SPLIT.has(whose)
    ? refused(`is ${whose}'s and knows no -S, which a run needs: install coreutils`, env)
    : accepted({ env, setpriv });
}
