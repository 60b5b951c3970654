import { STATUS_CODES } from "node:http";
import { type Problem, oneLine } from "../policy/problem.ts";
import type { ApiContext } from "./context.ts";

/** Every reason for an answer that is no success, and its status. */
export const REFUSAL_STATUS = {
  "bad-request": 400,
  "empty-body": 400,
  "invalid-policy": 400,
  "invalid-rules": 400,
  "invalid-targets": 400,
  "invalid-query": 400,
  "invalid-audit": 400,
  "invalid-vault": 400,
  "uncovers-binding": 400,
  "unread-host": 400,
  "unserved-app": 400,
  unauthorized: 401,
  "local-write": 403,
  forbidden: 403,
  "not-found": 404,
  "vault-not-found": 404,
  "method-not-allowed": 405,
  "body-timeout": 408,
  "vault-exists": 409,
  "vault-revision": 409,
  "precondition-failed": 412,
  "vault-unavailable": 412,
  "body-too-large": 413,
  "too-many-rules": 413,
  "insecure-transport": 426,
  "apply-failed": 500,
  "internal-error": 500,
  "persist-failed": 500,
  "too-many-bodies": 503,
  "too-many-tries": 503,
  closed: 503,
} as const;

/** An answer that is no success: a stable code, one line for people, and for bad input each problem. */
export interface Refusal {
  readonly code: keyof typeof REFUSAL_STATUS;
  readonly message: string;
  readonly problems?: readonly Problem[];
  readonly headers?: Readonly<Record<string, string>>;
}

/** Of a call that is served, but not by this method; `allowed` are those that are, with commas. */
export function methodNotAllowed(allowed: string): Refusal {
  return { code: "method-not-allowed", message: "method not allowed", headers: { Allow: allowed } };
}

/**
 * The answer: one line of text, which is never empty because the JavaScript SDK takes an empty error body for
 * success; or RFC 9457 problem details for those who ask for them.
 */
export function renderRefusal(c: ApiContext, refusal: Refusal): Response {
  const status = REFUSAL_STATUS[refusal.code];
  const { code, headers = {} } = refusal;
  const message = oneLine(refusal.message);
  if (!acceptsProblemJson(c.req.header("Accept") ?? "")) {
    return c.body(message, status, { ...headers, "Content-Type": "text/plain; charset=utf-8" });
  }
  const errors = refusal.problems === undefined ? {} : { errors: refusal.problems };
  const title = STATUS_CODES[status];
  const details = { type: "about:blank", title, status, detail: message, code, message, ...errors };
  return c.body(JSON.stringify(details), status, { ...headers, "Content-Type": "application/problem+json" });
}

/** Asked for by name; a wildcard or `application/json` is not enough, since the published SDKs send those. */
function acceptsProblemJson(accept: string): boolean {
  return accept.split(",").some((range) => {
    const [type = "", ...parameters] = range.split(";").map((part) => part.trim().toLowerCase());
    return type === "application/problem+json" && !parameters.some((one) => /^q=0(?:\.0*)?$/.test(one));
  });
}
