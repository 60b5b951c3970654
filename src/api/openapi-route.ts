import type { ApiContext } from "./context.ts";
import { refuseWrite } from "./read-only.ts";
import { renderRefusal } from "./refusal.ts";

/**
 * `GET /openapi.json`, for everyone: it tells nothing of this sidecar. Made at the first call and kept, so
 * that neither a start nor a crowd costs much.
 */
export function createOpenApiRoute(): (c: ApiContext) => Promise<Response> {
  let made: Promise<string> | undefined;
  return async (c) => {
    const refusal = refuseWrite(c);
    if (refusal !== undefined) return renderRefusal(c, refusal);
    made ??= import("./openapi/document.ts").then(({ createDocument }) => JSON.stringify(createDocument()));
    return c.body(await made, 200, { "Content-Type": "application/json" });
  };
}
