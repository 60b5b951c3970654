import type { Problem } from "../policy/problem.ts";

/** A strict start found something that cannot be read. */
export class StartProblemsError extends Error {
  readonly code = "start-problems";
  /** At least one. */
  readonly problems: readonly Problem[];

  constructor(problems: readonly Problem[]) {
    super(`${problems.length} problems`);
    this.name = "StartProblemsError";
    this.problems = problems;
  }
}

/** A live sidecar holds this network namespace. Nothing was changed. */
export class SidecarThereError extends Error {
  readonly code = "sidecar-there";

  constructor() {
    super(
      "another sidecar runs in this network namespace, whose rules hold: end it first; nothing was changed",
    );
    this.name = "SidecarThereError";
  }
}
