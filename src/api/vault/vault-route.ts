/**
 * `/credential-vault` and all below it. Order of checks on a write: token, method, whether the interception
 * is ready, transport, who may write. Then query and headers, body with signature and digest, its JSON,
 * state.
 *
 * No answer holds a value: the reader of values is in this process.
 */
import { ApplyError } from "../../enforcement/errors.ts";
import { type Problem, quote, renderProblems } from "../../policy/problem.ts";
import { findLacking } from "../../vault/readiness.ts";
import { createVaultParser } from "../../vault/request/parse-vault-request.ts";
import type { NewCredential } from "../../vault/request/vault-request.ts";
import type { VaultOutcome, VaultRemoval } from "../../vault/vault-control.ts";
import type { Auth } from "../auth/auth.ts";
import type { ApiContext } from "../context.ts";
import { readQueries } from "../queries.ts";
import type { BodyLimits } from "../http/body.ts";
import { refuseHeaders } from "../policy/change-headers.ts";
import { readProvedBody } from "../proved-body.ts";
import { methodNotAllowed, type Refusal, renderRefusal } from "../refusal.ts";
import { readVault } from "./read-vault.ts";
import { createTransportCheck } from "./refuse-transport.ts";
import { VAULT_PATHS } from "./vault-paths.ts";
import type { VaultParts } from "./vault-parts.ts";

export interface VaultRouteParts extends VaultParts {
  readonly auth: Auth;
  readonly hasToken: boolean;
  readonly bodyLimits: BodyLimits;
}

const WRITES: ReadonlySet<string> = new Set(["POST", "PATCH", "DELETE"]);

export function createVaultRoute(parts: VaultRouteParts): (c: ApiContext) => Promise<Response> {
  const { auth, control } = parts;
  const write = createWrite(parts);
  return async (c) => {
    // The method as it was sent: hono shows a HEAD as a GET.
    const { method } = c.req.raw;
    const below = c.req.path.slice("/credential-vault".length);
    // The secrets themselves, which the original gives to its own proxy alone: nobody who calls over the
    // network is asked who it is.
    if (below === "/_active" && c.env.door.kind !== "unix")
      return renderRefusal(c, method === "GET" ? FORBIDDEN : methodNotAllowed("GET"));
    if (below === "" && WRITES.has(method)) return write(c);
    const refusal = auth.refuseCaller(c) ?? refusePath(method, below);
    if (refusal !== undefined) return renderRefusal(c, refusal);
    const read = readVault(control.describe(), below);
    return read.ok ? c.json(read.body) : renderRefusal(c, read.refusal);
  };
}

function refusePath(method: string, below: string): Refusal | undefined {
  if (!VAULT_PATHS.test(below)) return { code: "not-found", message: "not found" };
  if (method === "GET") return undefined;
  return methodNotAllowed(below === "" ? "GET, POST, PATCH, DELETE" : "GET");
}

function createWrite(parts: VaultRouteParts): (c: ApiContext) => Promise<Response> {
  const { auth, control, settings, bodyLimits } = parts;
  const refuseTransport = createTransportCheck(settings);
  const { parseRequest, parseMutation } = createVaultParser(settings);

  async function refuseEarly(c: ApiContext): Promise<Refusal | undefined> {
    const lacking = await findLack(c, parts);
    if (lacking !== undefined) return { code: "vault-unavailable", message: lacking };
    return refuseTransport(c.env) ?? auth.refuseChange(c) ?? refuseExtras(c);
  }

  function refuseSources(c: ApiContext, given: readonly NewCredential[]): Refusal | undefined {
    const { sources } = settings;
    if (c.env.door.kind === "unix") return undefined;
    const refused = given.find(({ source: { type } }) => type !== "inline" && !sources.includes(type));
    if (refused === undefined) return undefined;
    const { type } = refused.source;
    const remedy = `only the unix socket's callers may name it, unless OPENSANDBOX_EGRESS_CREDENTIAL_VAULT_SOURCES has ${type}`;
    return invalid(`credential ${quote(refused.name)}: the source ${type} is not taken here: ${remedy}`);
  }

  async function create(c: ApiContext, text: string): Promise<Response> {
    const parsed = parseRequest(text);
    if (!parsed.ok) return renderRefusal(c, unreadable("request", parsed.problems));
    const refusal = refuseSources(c, parsed.value.credentials);
    if (refusal !== undefined) return renderRefusal(c, refusal);
    return render(c, await control.create(parsed.value), 201);
  }

  async function mutate(c: ApiContext, text: string): Promise<Response> {
    const parsed = parseMutation(text);
    if (!parsed.ok) return renderRefusal(c, unreadable("mutation request", parsed.problems));
    const { replace, add } = parsed.value.credentials;
    const refusal = refuseSources(c, [...replace, ...add]);
    if (refusal !== undefined) return renderRefusal(c, refusal);
    return render(c, await control.mutate(parsed.value), 200);
  }

  return async (c) => {
    const sender = auth.refuseSender(c);
    if (!sender.ok) return renderRefusal(c, sender.refusal);
    const early = await refuseEarly(c);
    if (early !== undefined) return renderRefusal(c, early);
    const body = await readProvedBody(c, { auth, bodyLimits, sender, dryRun: false });
    if (!body.ok) return renderRefusal(c, body.refusal);
    try {
      return await change(c, body.text);
    } catch (error) {
      // Rules for requests to the hosts were to be denied first.
      if (!(error instanceof ApplyError)) throw error;
      const message = `failed to apply nftables policy: ${error.message}`;
      return renderRefusal(c, { code: error.code, message });
    }
  };

  async function change(c: ApiContext, text: string): Promise<Response> {
    const { method } = c.req.raw;
    if (method === "DELETE") return render(c, await control.remove(), 200);
    return method === "POST" ? create(c, text) : mutate(c, text);
  }
}

/** Waits for the interception as long as the caller does. */
async function findLack(
  c: ApiContext,
  { readiness, hasToken }: VaultRouteParts,
): Promise<string | undefined> {
  const { door, outgoing } = c.env;
  const ended = new AbortController();
  const onClose = (): void => ended.abort();
  outgoing.once("close", onClose);
  const lacking = await findLacking(readiness, hasToken || door.kind === "unix", ended.signal);
  outgoing.off("close", onClose);
  return lacking;
}

/** Asks for what is not served: another change would be made than was asked for. */
function refuseExtras(c: ApiContext): Refusal | undefined {
  const [parameter] = Object.keys(readQueries(c));
  if (parameter !== undefined) {
    const message = `${quote(parameter)}: this call has no parameters; nothing was changed`;
    return { code: "invalid-query", message };
  }
  const { headers } = c.env.incoming;
  if (headers["if-match"] !== undefined) {
    const message = "If-Match: the vault has no entity tag: send expectedRevision; nothing was changed";
    return { code: "bad-request", message };
  }
  return refuseHeaders(headers);
}

function render(c: ApiContext, outcome: VaultOutcome | VaultRemoval, status: 200 | 201): Response {
  if (outcome.kind === "done") return c.json(outcome.state, status);
  if (outcome.kind === "removed") return c.body(null, 204);
  if (outcome.kind === "refused") return renderRefusal(c, outcome.refusal);
  return renderRefusal(c, { code: "closed", message: outcome.reason });
}

function unreadable(what: string, problems: readonly Problem[]): Refusal {
  return { ...invalid(`invalid credential vault ${what}: ${renderProblems(problems)}`), problems };
}

function invalid(message: string): Refusal {
  return { code: "invalid-vault", message };
}

const FORBIDDEN: Refusal = { code: "forbidden", message: "forbidden" };
