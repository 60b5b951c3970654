import type { ApiContext } from "./context.ts";
import { renderRefusal } from "./refusal.ts";

/** `GET /openapi.json`, for everyone: it tells nothing of this sidecar. Made at the first call, so that no start pays for it. */
export async function serveOpenApi(c: ApiContext): Promise<Response> {
  const { method } = c.req.raw;
  if (method !== "GET" && method !== "HEAD") {
    return renderRefusal(c, {
      code: "method-not-allowed",
      message: "method not allowed",
      headers: { Allow: "GET, HEAD" },
    });
  }
  const { createDocument } = await import("./openapi/document.ts");
  return c.json(createDocument());
}
