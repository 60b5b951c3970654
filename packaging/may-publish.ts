/** Runs before `npm publish`, and stops it while the manifest holds a placeholder. */
import manifest from "../package.json" with { type: "json" };
import { publishingProblem } from "./publishing-problem.ts";

const problem = publishingProblem(manifest);
if (problem !== undefined) {
  process.stderr.write(`${problem}\n`);
  process.exitCode = 1;
}
