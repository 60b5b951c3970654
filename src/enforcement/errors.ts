/** The policy could not be written to its file. Nothing has changed: the file still holds the old policy. */
export class PersistError extends Error {
  readonly code = "persist-failed";
  readonly path: string;
  /** The system's own word, such as ENOSPC. */
  readonly errno: string;

  constructor(path: string, cause: unknown) {
    const errno = errnoOf(cause);
    super(`${path}: ${REMEDIES[errno] ?? describe(cause)} (${errno})`, { cause });
    this.name = "PersistError";
    this.path = path;
    this.errno = errno;
  }
}

/** The kernel did not take a policy. Nothing has changed: the old policy has been put back. */
export class ApplyError extends Error {
  readonly code = "apply-failed";

  constructor(cause: unknown) {
    super(describe(cause), { cause });
    this.name = "ApplyError";
  }
}

/** What an error says, whatever was thrown. */
export function describe(error: unknown): string {
  return error instanceof Error && error.message !== "" ? error.message : String(error);
}

/** The errno of a failed system call, or `UNKNOWN`. */
export function errnoOf(error: unknown): string {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return typeof code === "string" ? code : "UNKNOWN";
}

const REMEDIES: Readonly<Record<string, string>> = {
  EACCES: "no permission to write there; give the sidecar's user write access to the file and its folder",
  EDQUOT: "the disk quota is used up; free some space",
  EIO: "the disk reports an error; check it",
  EISDIR: "is a folder; name a file in OPENSANDBOX_EGRESS_POLICY_FILE",
  ENOENT: "its folder does not exist; make it, or mount it",
  ENOSPC: "the disk is full; free some space",
  ENOTDIR: "a part of the path is not a folder",
  EPERM: "the system forbids writing there; check the file's attributes and mount",
  EROFS: "the file system is read-only; mount it writable or set OPENSANDBOX_EGRESS_POLICY_FILE elsewhere",
};
