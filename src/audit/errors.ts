/** A log output could not be opened. */
export class LogOutputError extends Error {
  readonly code = "log-output-failed";
  readonly path: string;

  constructor(path: string, cause: unknown) {
    super(`log output ${path} cannot be opened: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause,
    });
    this.name = "LogOutputError";
    this.path = path;
  }
}
