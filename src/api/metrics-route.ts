import type { Auth } from "./auth.ts";
import type { ApiContext } from "./context.ts";
import { renderRefusal } from "./refusal.ts";

/** Prometheus's exposition format. */
const CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8";

/**
 * `GET /metrics`, for those who may read the policy: what was denied and how much goes on is not the workload's to know. A
 * Prometheus sends the token by `http_headers` in its scrape configuration; one that cannot is served by OTLP.
 */
export function serveMetrics(c: ApiContext, auth: Auth, render: () => string): Response {
  const stranger = auth.refuseCaller(c);
  if (stranger !== undefined) return renderRefusal(c, stranger);
  const { method } = c.req.raw;
  if (method !== "GET" && method !== "HEAD") {
    return renderRefusal(c, {
      code: "method-not-allowed",
      message: "method not allowed",
      headers: { Allow: "GET, HEAD" },
    });
  }
  return c.body(render(), 200, { "Content-Type": CONTENT_TYPE });
}
