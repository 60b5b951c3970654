import { getSystemErrorMap } from "node:util";

/** A system call failed. `code` is errno's name (`EPERM`), `syscall` the call's. */
export class SystemCallError extends Error {
  readonly syscall: string;
  readonly errno: number;
  readonly code: string;

  constructor(syscall: string, errno: number, detail?: string) {
    const code = errnoName(errno);
    super(`${syscall}: ${code}${detail === undefined ? "" : ` (${detail})`}`);
    this.name = "SystemCallError";
    this.syscall = syscall;
    this.errno = errno;
    this.code = code;
  }
}

/** What stands there is no file of a size that can be: to read it could take forever, or never begin. */
export class NotAFileError extends Error {
  readonly code = "not-a-file";

  constructor(what: string) {
    super(what);
    this.name = "NotAFileError";
  }
}

/** Node makes this map anew each time that it is asked for. */
let names: ReturnType<typeof getSystemErrorMap> | undefined;

/** errno's name, or `ERRNO_<n>` for a number that Node has no name for. */
export function errnoName(errno: number): string {
  names ??= getSystemErrorMap();
  return names.get(-errno)?.[0] ?? `ERRNO_${errno}`;
}
