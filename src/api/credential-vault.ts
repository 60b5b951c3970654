import type { Auth } from "./auth/auth.ts";
import type { ApiContext } from "./context.ts";
import { type Refusal, renderRefusal } from "./refusal.ts";

/** `/credential-vault` and all below it: not served; answers as the original does where interception is off. */
export function serveCredentialVault(c: ApiContext, auth: Auth, hasToken: boolean): Response {
  const { method } = c.req.raw;
  const below = c.req.path.slice("/credential-vault".length);
  // The secrets themselves, which the original gives to its own proxy alone: nobody who calls over the network is asked who it is.
  if (below === "/_active" && c.env.door.kind !== "unix") {
    return renderRefusal(c, method === "GET" ? FORBIDDEN : notAllowed("GET"));
  }
  return renderRefusal(c, auth.refuseCaller(c) ?? refuseVault(method, below, hasToken));
}

function refuseVault(method: string, below: string, hasToken: boolean): Refusal {
  const isVault = below === "";
  if (!isVault && !/^\/(?:credentials|bindings)(?:\/[^/]+)?$/.test(below)) return NO_SUCH_PART;
  if (method === "GET") return NOT_FOUND;
  if (!isVault) return notAllowed("GET");
  if (!["POST", "PATCH", "DELETE"].includes(method)) return notAllowed("GET, POST, PATCH, DELETE");
  const lacking = hasToken ? "transparent mitmproxy" : "egress API auth token";
  return { code: "vault-unavailable", message: `credential vault requires ${lacking}` };
}

function notAllowed(methods: string): Refusal {
  return { code: "method-not-allowed", message: "method not allowed", headers: { Allow: methods } };
}

const NOT_FOUND: Refusal = { code: "vault-not-found", message: "credential vault not found" };
const NO_SUCH_PART: Refusal = { code: "not-found", message: "not found" };
const FORBIDDEN: Refusal = { code: "forbidden", message: "forbidden" };
