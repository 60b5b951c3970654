/** What a run that could not be made says of it, and the exit code of that. */
import { EXIT } from "../exit-codes.ts";
import type { Problem } from "../../policy/problem.ts";
import {
  InterruptedError,
  NetworkSetupError,
  NoSubnetError,
  RunFileError,
  SecretsRefusedError,
  SidecarStartError,
} from "./errors.ts";

/** Says each; the exit code of a run that was refused. */
export function report(problems: readonly Problem[], say: (text: string) => void): number {
  for (const { path, message } of problems) say(path === "" ? message : `${path}: ${message}`);
  return EXIT.run;
}

/** What has failed, said, and its exit code. Throws what is none of a run's errors. */
export function explain(error: unknown, say: (text: string) => void): number {
  if (error instanceof InterruptedError) return error.exitCode;
  if (error instanceof SidecarStartError) {
    for (const line of error.output) say(`sidecar: ${line}`);
    say(error.message);
    return EXIT.run;
  }
  const isOurs = [NetworkSetupError, NoSubnetError, RunFileError, SecretsRefusedError].some(
    (kind) => error instanceof kind,
  );
  if (isOurs && error instanceof Error) {
    say(error.message);
    return EXIT.run;
  }
  if (isOfFiles(error)) {
    const remedy =
      error.code === "EROFS" && error.path.startsWith("/run/")
        ? "; a run needs to write to /run: mount a tmpfs there"
        : "";
    say(`${error.message}${remedy}`);
    return EXIT.run;
  }
  throw error;
}

/** Node's error of a call on files, which names the place: a disk is full, a folder may not be written to. */
function isOfFiles(error: unknown): error is Error & { readonly code: string; readonly path: string } {
  return error instanceof Error && "path" in error && "syscall" in error && "code" in error;
}
