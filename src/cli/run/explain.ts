/** What a run that could not be made says of it, and the exit code of that. */
import { EXIT } from "../exit-codes.ts";
import type { Problem } from "../../policy/problem.ts";
import {
  ConfinementError,
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
  const isOurs = [ConfinementError, NetworkSetupError, NoSubnetError, RunFileError, SecretsRefusedError].some(
    (kind) => error instanceof kind,
  );
  if (isOurs && error instanceof Error) {
    say(error.message);
    return EXIT.run;
  }
  if (isOfSystem(error)) {
    say(`${error.message}${remedyOf(error)}`);
    return EXIT.run;
  }
  throw error;
}

/** Node's error of a system call, with the place if the call has one: write(2) has none. */
interface OfSystem extends Error {
  readonly code: string;
  readonly path?: string;
}

function isOfSystem(error: unknown): error is OfSystem {
  return error instanceof Error && "syscall" in error && "code" in error;
}

function remedyOf({ code, path }: OfSystem): string {
  if (code === "EROFS" && path?.startsWith("/run/") === true)
    return "; a run needs to write to /run: mount a tmpfs there";
  if (path !== undefined) return "";
  return "; a run writes small files to /run, or to TMPDIR without root: there has to be room for them";
}
