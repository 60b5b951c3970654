/** `/policy`: the order of checks that all its methods share. Token, method, who may write, query, body; then the method's own. */
import { ApplyError, PersistError } from "../enforcement/errors.ts";
import type { ChangeOptions, PolicyControl } from "../enforcement/policy-control.ts";
import type { Auth } from "./auth.ts";
import { type BodyLimits, readBody } from "./body.ts";
import type { ApiContext } from "./context.ts";
import { deletePolicy } from "./delete-policy.ts";
import { getPolicy } from "./get-policy.ts";
import { patchPolicy } from "./patch-policy.ts";
import { type Refusal, renderRefusal } from "./refusal.ts";
import { replacePolicy } from "./replace-policy.ts";
import type { Reply } from "./reply.ts";

export interface PolicyRouteParts {
  readonly control: PolicyControl;
  readonly auth: Auth;
  readonly bodyLimits: BodyLimits;
}

type Change = (control: PolicyControl, text: string, options: ChangeOptions) => Promise<Reply>;

const CHANGES: Readonly<Record<string, Change>> = {
  POST: replacePolicy,
  PUT: replacePolicy,
  PATCH: patchPolicy,
  DELETE: deletePolicy,
};

export async function servePolicy(c: ApiContext, parts: PolicyRouteParts): Promise<Response> {
  const stranger = parts.auth.refuseCaller(c);
  if (stranger !== undefined) return renderRefusal(c, stranger);
  const reply = await replyToCall(c, parts);
  if (!reply.ok && reply.refusal.code === "unauthorized") return renderRefusal(c, reply.refusal);
  c.header("ETag", reply.etag ?? parts.control.snapshot().etag);
  return reply.ok ? c.json(reply.body) : renderRefusal(c, reply.refusal);
}

async function replyToCall(c: ApiContext, parts: PolicyRouteParts): Promise<Reply> {
  // The method as it was sent: hono shows a HEAD as a GET.
  const { method } = c.req.raw;
  if (method === "GET") {
    const forger = parts.auth.refuseSignature(c, NO_BODY);
    return forger === undefined ? getPolicy(parts.control) : refuse(forger);
  }
  const change = CHANGES[method];
  if (change === undefined) return refuse(METHOD_NOT_ALLOWED);
  const outsider = parts.auth.refuseChange(c);
  if (outsider !== undefined) return refuse(outsider);
  const dryRun = readDryRun(c.req.queries("dryRun"));
  if (dryRun === undefined) return refuse(BAD_DRY_RUN);
  const ifMatch = c.req.header("If-Match");
  const body = await readBody(c.env.incoming, c.env.outgoing, parts.bodyLimits);
  if (!body.ok) return refuse(body.refusal);
  const forger = parts.auth.refuseSignature(c, body.octets);
  if (forger !== undefined) return refuse(forger);
  const options = { dryRun, ...(ifMatch === undefined ? {} : { ifMatch }) };
  return change(parts.control, body.text, options).catch(replyToFailure);
}

/** A world that fails is told in a line; anything else is our own bug and goes on to the application's error handler. */
function replyToFailure(error: unknown): Reply {
  if (error instanceof PersistError) {
    return refuse({ code: error.code, message: `failed to persist policy: ${error.message}` });
  }
  if (error instanceof ApplyError) {
    return refuse({ code: error.code, message: `failed to apply nftables policy: ${error.message}` });
  }
  throw error;
}

function readDryRun(values: readonly string[] | undefined): boolean | undefined {
  if (values === undefined) return false;
  const [value, ...more] = values;
  if (more.length > 0) return undefined;
  return value === "true" || (value === "false" ? false : undefined);
}

function refuse(refusal: Refusal): Reply {
  return { ok: false, refusal, etag: undefined };
}

const NO_BODY = new Uint8Array();

const METHOD_NOT_ALLOWED: Refusal = {
  code: "method-not-allowed",
  message: "method not allowed",
  headers: { Allow: "GET, POST, PUT, PATCH, DELETE" },
};

const BAD_DRY_RUN: Refusal = {
  code: "invalid-query",
  message: "dryRun: must be true or false, and given once",
};
