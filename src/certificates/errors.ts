/** The bundle could not be put where the workload looks for it. `cause` is the system's error. */
export class CaFileError extends Error {
  readonly code = "ca-file";
  readonly path: string;

  constructor(path: string, what: string, cause: unknown) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    super(`${path}: ${what}: ${reason}`, { cause });
    this.name = "CaFileError";
    this.path = path;
  }
}
