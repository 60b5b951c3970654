/** `egress run --clean`: removes what runs that have ended have left. */
import type { CliContext } from "../context.ts";
import { findRunsPlace, PLACE_OF_ROOT } from "../call/running-runs.ts";
import { EXIT } from "../exit-codes.ts";
import { explain } from "./explain.ts";
import { sweepRunFolders } from "./network/run-folder.ts";
import { sweepRuns } from "./network/run-network.ts";

/** Without root a run leaves nothing but its folder. */
export async function clean(env: CliContext["env"], say: (text: string) => void): Promise<number> {
  try {
    const place = findRunsPlace(env);
    const isRoot = place === PLACE_OF_ROOT;
    const removed = isRoot ? await sweepRuns(place) : sweepRunFolders(place).map((path) => `folder ${path}`);
    for (const what of removed) say(`an ended run has left ${what}: undone`);
    if (removed.length === 0) say("no ended run has left anything here");
    return EXIT.ok;
  } catch (error) {
    return explain(error, say);
  }
}
