/**
 * The kernel, or the program that talks to it, did not do what we asked. The transaction has changed nothing,
 * except that a `timed-out` one may have.
 */
export class KernelError extends Error {
  override readonly name = "KernelError";
  readonly code: "tool-missing" | "refused" | "timed-out";
  /** What the program said, without the lines that it quotes: those may hold our marks. */
  readonly detail: string;

  constructor(code: KernelError["code"], program: string, detail: string, cause?: unknown) {
    super(`${program}: ${detail}`, { cause });
    this.code = code;
    this.detail = detail;
  }
}

/**
 * The kernel refused a batch; nothing of it is in force. `code` is errno's name (`ENOENT`: the set is gone;
 * `ENFILE`: it is full).
 */
export class LearnedSetError extends Error {
  readonly code: string;

  constructor(code: string, options?: ErrorOptions) {
    super(`the kernel refused learned addresses: ${code}`, options);
    this.name = "LearnedSetError";
    this.code = code;
  }
}
