import type { components } from "./api-types.ts";

/**
 * The sidecar's codes, and one for an answer that is not the sidecar's: a proxy's, or that of a program in
 * its place.
 */
export type ApiErrorCode = components["schemas"]["RefusalCode"] | "not-the-sidecar";

export type ApiProblem = components["schemas"]["Problem"];

export interface ApiErrorDetails {
  readonly status: number;
  readonly code: ApiErrorCode;
  readonly problems: readonly ApiProblem[];
  readonly etag: string | undefined;
  readonly mayBeOwnDoing: boolean;
}

/** The call was answered, and refused. `message` is the answer's own line. */
export class ApiError extends Error {
  readonly status: number;
  readonly code: ApiErrorCode;
  /** For bad input each problem with its place; otherwise empty. */
  readonly problems: readonly ApiProblem[];
  /** The entity tag in force, if the answer has it. */
  readonly etag: string | undefined;
  /**
   * With `precondition-failed`: an earlier try of this very call got no answer, and may be what changed the
   * policy. Read the policy to know.
   */
  readonly mayBeOwnDoing: boolean;

  constructor(message: string, details: ApiErrorDetails) {
    super(message);
    this.name = "ApiError";
    this.status = details.status;
    this.code = details.code;
    this.problems = details.problems;
    this.etag = details.etag;
    this.mayBeOwnDoing = details.mayBeOwnDoing;
  }
}

/**
 * No answer came. `code` is the system's word, such as ECONNREFUSED, or `ETIMEDOUT` if the call's time ran
 * out.
 */
export class ConnectionError extends Error {
  readonly code: string;
  /** The connection stood, so a change may have been made all the same. */
  readonly mayBeDone: boolean;

  constructor(code: string, place: string, mayBeDone: boolean, cause?: unknown) {
    super(`no answer from ${place}: ${code}${mayBeDone ? " after the call was sent" : ""}`, { cause });
    this.name = "ConnectionError";
    this.code = code;
    this.mayBeDone = mayBeDone;
  }
}

/**
 * The request has a key that the API does not know. Nothing was sent, since leaving the key out could mean
 * something else.
 */
export class UnknownKeyError extends TypeError {
  /** As in `policy.egress[3].ports`. */
  readonly path: string;

  constructor(path: string, known: readonly string[]) {
    super(`${path} is not known, only ${known.join(", ")}: nothing was sent`);
    this.name = "UnknownKeyError";
    this.path = path;
  }
}
