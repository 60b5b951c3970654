import type { PolicyControl } from "../enforcement/policy-control.ts";
import { oneLine } from "../policy/problem.ts";
import type { ApiContext } from "./context.ts";
import { renderRefusal } from "./refusal.ts";

/** `GET /healthz`, for everyone: 200 `ok` while the policy is enforced, else 503 with the reason. */
export async function serveHealthz(c: ApiContext, control: PolicyControl): Promise<Response> {
  const { method } = c.req.raw;
  if (method !== "GET" && method !== "HEAD") {
    return renderRefusal(c, {
      code: "method-not-allowed",
      message: "method not allowed",
      headers: { Allow: "GET, HEAD" },
    });
  }
  const health = await control.health();
  return health.ok ? c.text("ok") : c.text(oneLine(health.reason), 503);
}
