/** `/audit`: whether audit mode is on, and the switch, for those who may read and change the policy. */
import * as z from "zod";
import { ApplyError } from "../enforcement/errors.ts";
import type { PolicyControl } from "../enforcement/change/policy-control.ts";
import { quote } from "../policy/problem.ts";
import type { Auth } from "./auth/auth.ts";
import type { ApiContext } from "./context.ts";
import { readQueries } from "./queries.ts";
import type { BodyLimits } from "./http/body.ts";
import { readProvedBody } from "./proved-body.ts";
import { refuseHeaders } from "./policy/change-headers.ts";
import { methodNotAllowed, type Refusal, renderRefusal } from "./refusal.ts";

export const auditShape = z.strictObject({ enabled: z.boolean() });
export const auditStateShape = z.object({ status: z.literal("ok"), enabled: z.boolean() });

export interface AuditRouteParts {
  readonly control: Pick<PolicyControl, "isAudit" | "setAudit">;
  readonly auth: Auth;
  readonly bodyLimits: BodyLimits;
}

export async function serveAudit(c: ApiContext, parts: AuditRouteParts): Promise<Response> {
  const { control, auth } = parts;
  // The method as it was sent: hono shows a HEAD as a GET.
  const { method } = c.req.raw;
  if (method === "PUT") return serveSwitch(c, parts);
  const refusal = auth.refuseCaller(c);
  if (refusal !== undefined) return renderRefusal(c, refusal);
  return method === "GET" ? c.json(describe(control.isAudit())) : renderRefusal(c, METHOD_NOT_ALLOWED);
}

async function serveSwitch(c: ApiContext, parts: AuditRouteParts): Promise<Response> {
  const asked = await readSwitch(c, parts);
  if (!asked.ok) return renderRefusal(c, asked.refusal);
  try {
    const outcome = await parts.control.setAudit(asked.value);
    if (outcome.kind === "set") return c.json(describe(outcome.isOn));
    return renderRefusal(c, { code: "closed", message: outcome.reason });
  } catch (error) {
    if (!(error instanceof ApplyError)) throw error;
    return renderRefusal(c, {
      code: error.code,
      message: `failed to apply nftables policy: ${error.message}`,
    });
  }
}

function describe(isOn: boolean): z.infer<typeof auditStateShape> {
  return { status: "ok", enabled: isOn };
}

type Switch =
  | { readonly ok: true; readonly value: boolean }
  | { readonly ok: false; readonly refusal: Refusal };

/** In the order of checks that changes of the policy have: sender, who may write, query, body, signature. */
async function readSwitch(
  c: ApiContext,
  { auth, bodyLimits }: Omit<AuditRouteParts, "control">,
): Promise<Switch> {
  const sender = auth.refuseSender(c);
  if (!sender.ok) return sender;
  const changeRefusal = auth.refuseChange(c);
  if (changeRefusal !== undefined) return { ok: false, refusal: changeRefusal };
  const [parameter] = Object.keys(readQueries(c));
  if (parameter !== undefined) {
    return refuse("invalid-query", `${quote(parameter)}: this call has no parameters; nothing was changed`);
  }
  const { incoming } = c.env;
  const headersRefusal = refuseHeaders(incoming.headers);
  if (headersRefusal !== undefined) return { ok: false, refusal: headersRefusal };
  if (incoming.headers["if-match"] !== undefined)
    return refuse("bad-request", "If-Match: audit mode has no entity tag; nothing was changed");
  const body = await readProvedBody(c, { auth, bodyLimits, sender, dryRun: false });
  return body.ok ? parseSwitch(body.text) : body;
}

function parseSwitch(text: string): Switch {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return refuse("invalid-audit", `the body is not JSON: ${EXPECTED}`);
  }
  const parsed = auditShape.safeParse(json);
  return parsed.success
    ? { ok: true, value: parsed.data.enabled }
    : refuse("invalid-audit", `the body is not what this call takes: ${EXPECTED}`);
}

const EXPECTED = 'send {"enabled":true} or {"enabled":false}, and nothing else';

function refuse(code: Refusal["code"], message: string): Switch {
  return { ok: false, refusal: { code, message } };
}

const METHOD_NOT_ALLOWED = methodNotAllowed("GET, PUT");
