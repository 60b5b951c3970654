import type { Auth } from "./auth/auth.ts";
import type { ApiContext } from "./context.ts";
import { type Refusal, renderRefusal } from "./refusal.ts";

/** `/credential-vault` and all below it: not served; answers as the original does where interception is off. */
export function serveCredentialVault(c: ApiContext, auth: Auth, hasToken: boolean): Response {
  return renderRefusal(c, auth.refuseCaller(c) ?? refuseVault(c.req.raw.method, hasToken));
}

function refuseVault(method: string, hasToken: boolean): Refusal {
  if (method === "GET") return { code: "vault-not-found", message: "credential vault not found" };
  if (!["POST", "PUT", "PATCH", "DELETE"].includes(method)) {
    return {
      code: "method-not-allowed",
      message: "method not allowed",
      headers: { Allow: "GET, POST, PUT, PATCH, DELETE" },
    };
  }
  const lacking = hasToken ? "transparent mitmproxy" : "egress API auth token";
  return { code: "vault-unavailable", message: `credential vault requires ${lacking}` };
}
