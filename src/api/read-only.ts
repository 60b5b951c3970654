import type { ApiContext } from "./context.ts";
import { methodNotAllowed, type Refusal } from "./refusal.ts";

/** The refusal of a call that wants more than to read; undefined for one that reads. */
export function refuseWrite(c: ApiContext): Refusal | undefined {
  // The method as it was sent: hono shows a HEAD as a GET.
  const { method } = c.req.raw;
  return method === "GET" || method === "HEAD" ? undefined : METHOD_NOT_ALLOWED;
}

const METHOD_NOT_ALLOWED = methodNotAllowed("GET, HEAD");
