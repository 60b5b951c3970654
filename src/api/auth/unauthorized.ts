import type { Refusal } from "../refusal.ts";

/** A 401, which names a scheme that every HTTP client knows (RFC 9110 section 11.6.1). */
export function unauthorized(reason: string): Refusal {
  const headers = { "WWW-Authenticate": "Bearer" };
  return { code: "unauthorized", message: `unauthorized: ${reason}`, headers };
}
