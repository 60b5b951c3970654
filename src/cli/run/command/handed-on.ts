/**
 * What the command of a run would get from the program that started us, and whether that leads out of its
 * confinement.
 */
import { readFileSync, type Stats, statSync } from "node:fs";
import { accepted, type Problem, refused, refusedAll, type Result } from "../../../policy/problem.ts";
import { findWorkingDirectory } from "../given/working-directory.ts";
import { coveredPlaces, isReplaced } from "./covered-places.ts";
import { isWithin, parseMountInfo } from "./mount-table.ts";
import { lookAtStream } from "./standard-streams.ts";

const STREAMS = ["standard input", "standard output", "standard error"];

/**
 * The working directory, as a path. Refused: one that is not there for the command, and a standard stream
 * that leads past the run's network or mounts. What else is there is what the caller chose to hand on.
 */
export function findHandedOn(): Result<{ readonly directory: string }> {
  const leading = STREAMS.flatMap((path, fd): readonly Problem[] => {
    const stream = lookAtStream(fd);
    return stream.kind === "refused" ? [{ path, message: stream.message }] : [];
  });
  if (leading.length > 0) return refusedAll(leading);
  const directory = findWorkingDirectory();
  if (!directory.ok) return directory;
  if (directory.value === undefined) return refused("the working directory has been deleted");
  const problem = lackOf(directory.value);
  return problem === undefined ? accepted({ directory: directory.value }) : refused(problem, directory.value);
}

/** Why the command would be in another folder than the caller, if it would be. */
function lackOf(directory: string): string | undefined {
  if (isReplaced(directory))
    return "is not there for the command, which has a /run and a /dev of its own: start the run in another folder";
  const covered = coveredPlaces(parseMountInfo(readFileSync("/proc/self/mountinfo", "utf8")), undefined);
  if (covered.some((place) => isWithin(place, directory)))
    return "is not there for the command, as it shows what is the machine's own: start the run in another folder";
  const [here, there] = [statIfReached("."), statIfReached(directory)];
  return here?.ino === there?.ino && here?.dev === there?.dev
    ? undefined
    : "is another folder than the one that the run was started in: cd there anew";
}

/** Undefined if nothing is there, or the caller may not look. */
function statIfReached(path: string): Stats | undefined {
  try {
    return statSync(path);
  } catch {
    return undefined;
  }
}
