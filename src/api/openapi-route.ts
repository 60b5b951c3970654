import type { ApiContext } from "./context.ts";
import { refuseWrite } from "./read-only.ts";
import { renderRefusal } from "./refusal.ts";

/** `GET /openapi.json`, for everyone: it tells nothing of this sidecar. Made at the first call, so that no start pays for it. */
export async function serveOpenApi(c: ApiContext): Promise<Response> {
  const refusal = refuseWrite(c);
  if (refusal !== undefined) return renderRefusal(c, refusal);
  const { createDocument } = await import("./openapi/document.ts");
  return c.json(createDocument());
}
