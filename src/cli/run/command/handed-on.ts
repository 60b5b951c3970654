/**
 * What the command of a run would get from the program that started us, and whether that leads out of its
 * confinement.
 */
import { accepted, type Problem, refused, refusedAll, type Result } from "../../../policy/problem.ts";
import { findWorkingDirectory } from "../given/working-directory.ts";
import { lookAtStream } from "./standard-streams.ts";

const STREAMS = ["standard input", "standard output", "standard error"];

/**
 * The working directory, as a path. Refused: one that has been deleted, and a standard stream that leads past
 * the run's network or mounts. What else is there is what the caller chose to hand on.
 */
export function findHandedOn(): Result<{ readonly directory: string }> {
  const leading = STREAMS.flatMap((path, fd): readonly Problem[] => {
    const stream = lookAtStream(fd);
    return stream.kind === "refused" ? [{ path, message: stream.message }] : [];
  });
  if (leading.length > 0) return refusedAll(leading);
  const directory = findWorkingDirectory();
  if (!directory.ok) return directory;
  return directory.value === undefined
    ? refused("the working directory has been deleted")
    : accepted({ directory: directory.value });
}
