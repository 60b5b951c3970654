import type { ApiContext } from "./context.ts";

/** What stands behind the question mark: each parameter, with all its values. */
export type Queries = Readonly<Record<string, readonly string[]>>;

/** All parameters, one without a name (`?=true`) among them: hono leaves such a one out. */
export function readQueries(c: ApiContext): Queries {
  const { url } = c.req;
  const at = url.indexOf("?");
  const parts = at < 0 ? [] : url.slice(at + 1).split("&");
  const nameless = parts.filter((part) => part.startsWith("=")).map((part) => part.slice(1));
  return nameless.length === 0 ? c.req.queries() : { ...c.req.queries(), "": nameless };
}
