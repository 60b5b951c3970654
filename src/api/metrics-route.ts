import type { Auth } from "./auth/auth.ts";
import type { ApiContext } from "./context.ts";
import { refuseWrite } from "./read-only.ts";
import { renderRefusal } from "./refusal.ts";

/** Prometheus's exposition format. */
const CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8";

/**
 * `GET /metrics`, for those who may read the policy: what was denied and how much goes on is not the
 * workload's to know. A Prometheus sends the token by `authorization` in its scrape configuration.
 */
export async function serveMetrics(
  c: ApiContext,
  auth: Auth,
  render: () => Promise<string>,
): Promise<Response> {
  const refusal = auth.refuseCaller(c) ?? refuseWrite(c);
  return refusal !== undefined
    ? renderRefusal(c, refusal)
    : c.body(await render(), 200, { "Content-Type": CONTENT_TYPE });
}
