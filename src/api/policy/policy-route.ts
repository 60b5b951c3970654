/**
 * `/policy`: the order of checks that all its methods share. Token, method, who may write, query, headers,
 * body, signature, digest; then the method's own.
 */
import { ApplyError, PersistError } from "../../enforcement/errors.ts";
import type { ChangeOptions } from "../../enforcement/change/policy-control.ts";
import type { Auth } from "../auth/auth.ts";
import type { Sender } from "../auth/sender.ts";
import type { BodyLimits } from "../http/body.ts";
import type { ApiContext } from "../context.ts";
import { readQueries } from "../queries.ts";
import { deletePolicy } from "./delete-policy.ts";
import { getPolicy } from "./get-policy.ts";
import { readProvedBody } from "../proved-body.ts";
import { refuseHeaders } from "./change-headers.ts";
import { readChangeQuery } from "./change-query.ts";
import { patchPolicy } from "./patch-policy.ts";
import { methodNotAllowed, type Refusal, renderRefusal } from "../refusal.ts";
import { replacePolicy } from "./replace-policy.ts";
import type { Reply } from "./reply.ts";
import type { ChangeParts } from "./change-parts.ts";

export interface PolicyRouteParts extends ChangeParts {
  readonly auth: Auth;
  readonly bodyLimits: BodyLimits;
}

type Change = (parts: ChangeParts, text: string, options: ChangeOptions) => Promise<Reply>;

const CHANGES: Readonly<Partial<Record<string, Change>>> = {
  POST: replacePolicy,
  PUT: replacePolicy,
  PATCH: patchPolicy,
  DELETE: deletePolicy,
};

export async function servePolicy(c: ApiContext, parts: PolicyRouteParts): Promise<Response> {
  // The method as it was sent: hono shows a HEAD as a GET.
  const change = CHANGES[c.req.raw.method];
  if (change !== undefined) return serveChange(c, parts, change);
  const refusal = parts.auth.refuseCaller(c);
  if (refusal !== undefined) return renderRefusal(c, refusal);
  return render(c, parts, c.req.raw.method === "GET" ? getPolicy(parts.control) : refuse(METHOD_NOT_ALLOWED));
}

async function serveChange(c: ApiContext, parts: PolicyRouteParts, change: Change): Promise<Response> {
  const sender = parts.auth.refuseSender(c);
  if (!sender.ok) return renderRefusal(c, sender.refusal);
  const asked = await readRequest(c, parts, sender);
  if (asked.ok) return render(c, parts, await change(parts, asked.text, asked.options).catch(replyToFailure));
  // Who is not proved is not told what holds.
  if (asked.isProved === false) return renderRefusal(c, asked.refusal);
  return render(c, parts, refuse(asked.refusal));
}

function render(c: ApiContext, { control }: PolicyRouteParts, reply: Reply): Response {
  c.header("ETag", reply.etag ?? control.snapshot().etag);
  return reply.ok ? c.json(reply.body) : renderRefusal(c, reply.refusal);
}

type ChangeRequest =
  | { readonly ok: true; readonly text: string; readonly options: ChangeOptions }
  | { readonly ok: false; readonly refusal: Refusal; readonly isProved?: boolean };

async function readRequest(
  c: ApiContext,
  { auth, bodyLimits }: PolicyRouteParts,
  sender: Extract<Sender, { ok: true }>,
): Promise<ChangeRequest> {
  const isTold = sender.isProved || !sender.isSigned;
  const refused = (refusal: Refusal): ChangeRequest => ({ ok: false, refusal, isProved: isTold });
  const changeRefusal = auth.refuseChange(c);
  if (changeRefusal !== undefined) return refused(changeRefusal);
  const query = readChangeQuery(readQueries(c));
  if (!query.ok) return refused(query.refusal);
  const { dryRun } = query;
  const headersRefusal = refuseHeaders(c.env.incoming.headers);
  if (headersRefusal !== undefined) return refused(headersRefusal);
  const text = await readProvedBody(c, { auth, bodyLimits, sender, dryRun });
  if (!text.ok) return text;
  const ifMatch = c.req.header("If-Match");
  return { ok: true, text: text.text, options: { dryRun, ...(ifMatch === undefined ? {} : { ifMatch }) } };
}

/**
 * A world that fails is one line; anything else is our own bug and goes on to the application's error
 * handler.
 */
function replyToFailure(error: unknown): Reply {
  if (error instanceof PersistError) {
    return refuse({ code: error.code, message: `failed to persist policy: ${error.message}` });
  }
  if (error instanceof ApplyError) {
    return refuse({ code: error.code, message: `failed to apply nftables policy: ${error.message}` });
  }
  throw error;
}

function refuse(refusal: Refusal): Reply {
  return { ok: false, refusal, etag: undefined };
}

const METHOD_NOT_ALLOWED = methodNotAllowed("GET, POST, PUT, PATCH, DELETE");
