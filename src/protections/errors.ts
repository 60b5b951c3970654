/** The start was ended because a protection that has to be on is not. */
export class RequiredProtectionError extends Error {
  readonly code = "protection-missing";
  /** One for each protection. */
  readonly lines: readonly string[];

  constructor(lines: readonly string[]) {
    super(lines.join("; "));
    this.name = "RequiredProtectionError";
    this.lines = lines;
  }
}
