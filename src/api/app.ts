/**
 * The HTTP API, as a value: routes over the enforcement's port. It holds no state; `listen.ts` gives it
 * sockets.
 */
import { Hono } from "hono";
import type { PolicyControl } from "../enforcement/change/policy-control.ts";
import { type TakeSteps, runToEnd } from "../policy/steps.ts";
import { type AuthSettings, createAuth } from "./auth/auth.ts";
import { BODY_LIMITS, type BodyLimits } from "./http/body.ts";
import type { ApiContext, ApiEnv } from "./context.ts";
import { serveAudit } from "./audit-route.ts";
import { type DecisionSources, serveDecisions } from "./decisions-route.ts";
import { createEventsRoute } from "./events-route.ts";
import { AUDIT_HEADER } from "./headers.ts";
import { createTries, type ExplainParts, serveExplain } from "./explain/explain-route.ts";
import { serveHealthz } from "./healthz.ts";
import { serveMetrics } from "./metrics-route.ts";
import { createOpenApiRoute } from "./openapi-route.ts";
import { createPageRoute, type LoadPage } from "./page-route.ts";
import { type Suggest, serveSuggest } from "./policy/suggest-route.ts";
import { servePolicy } from "./policy/policy-route.ts";
import { renderRefusal } from "./refusal.ts";
import { describeStatus, type StatusSources } from "./status.ts";
import { serveStatus } from "./status-route.ts";
import { VAULT_OFF, type VaultParts } from "./vault/vault-parts.ts";
import { createVaultRoute } from "./vault/vault-route.ts";

export interface AppParts {
  readonly control: PolicyControl;
  readonly auth: AuthSettings;
  /** Told of our own bugs; the caller only learns that there was one. */
  readonly onError: (error: unknown) => void;
  readonly nowMs?: () => number;
  /**
   * When the process began to take calls, if that was before this application was made; the clock is `nowMs`.
   */
  readonly startMs?: number;
  /** Prometheus text; without it there is no `/metrics`. */
  readonly renderMetrics?: () => Promise<string>;
  /** Without it there is no `/explain`. */
  readonly explain?: ExplainParts["explain"];
  /** Without it there is no `/policy/suggest`. */
  readonly suggest?: Suggest;
  /** Without them there is no `/status`. */
  readonly status?: StatusSources;
  /** Without them there are no `/decisions` and no `/events`. */
  readonly decisions?: DecisionSources;
  /** Without it there is no page at `/`. */
  readonly loadPage?: LoadPage;
  /** Default: nothing is intercepted. */
  readonly vault?: VaultParts;
  readonly bodyLimits?: BodyLimits;
  /** Takes the steps of what is long; default: without a pause. */
  readonly takeSteps?: TakeSteps;
}

export type App = Hono<ApiEnv>;

export function createApp(parts: AppParts): App {
  const { control, bodyLimits = BODY_LIMITS, renderMetrics, status, decisions, suggest, explain } = parts;
  const { takeSteps = async (steps) => runToEnd(steps) } = parts;
  const nowMs = parts.nowMs ?? Date.now;
  const auth = createAuth(parts.auth, {
    nowMs,
    startMs: parts.startMs ?? nowMs(),
  });
  const hasToken = parts.auth.token !== undefined;
  const app: App = new Hono<ApiEnv>();
  app.use(async (c, next) => {
    await next();
    if (leavesBodyUnread(c)) c.res.headers.set("Connection", "close");
    if (control.isAudit()) c.res.headers.set(AUDIT_HEADER, "on");
  });
  app.all("/policy", (c) => servePolicy(c, { control, auth, bodyLimits, takeSteps }));
  app.all("/audit", (c) => serveAudit(c, { control, auth, bodyLimits }));
  app.all("/healthz", (c) => serveHealthz(c, control));
  if (renderMetrics !== undefined) app.all("/metrics", (c) => serveMetrics(c, auth, renderMetrics));
  if (suggest !== undefined) app.all("/policy/suggest", (c) => serveSuggest(c, auth, suggest));
  if (status !== undefined) {
    app.all("/status", (c) => serveStatus(c, auth, (page) => describeStatus(control, status, page)));
  }
  if (decisions !== undefined && explain !== undefined) {
    const takeTry = createTries();
    app.all("/explain", (c) => serveExplain(c, auth, { explain, decisions, takeTry }));
  }
  if (decisions !== undefined) {
    app.all("/decisions", (c) => serveDecisions(c, auth, decisions));
    app.all("/events", createEventsRoute(auth, decisions));
  }
  if (parts.loadPage !== undefined) app.all("/", createPageRoute(parts.loadPage));
  app.all("/openapi.json", createOpenApiRoute());
  const serveVault = createVaultRoute({ ...(parts.vault ?? VAULT_OFF), auth, hasToken, bodyLimits });
  app.all("/credential-vault", serveVault);
  app.all("/credential-vault/*", serveVault);
  app.notFound((c: ApiContext) => renderRefusal(c, { code: "not-found", message: "no such path" }));
  app.onError((error, c: ApiContext) => {
    parts.onError(error);
    return renderRefusal(c, { code: "internal-error", message: "internal error" });
  });
  return app;
}

/**
 * A body that is small is read and forgotten by Node; one that is not, or that a 100 Continue was never sent
 * for, ends the connection.
 */
function leavesBodyUnread(c: ApiContext): boolean {
  const { incoming } = c.env;
  if (incoming.complete) return false;
  const length = Number(incoming.headers["content-length"] ?? Number.NaN);
  const isSmall =
    length <= SMALL_BODY_OCTETS ||
    (Number.isNaN(length) && incoming.headers["transfer-encoding"] === undefined);
  return !isSmall || incoming.isPaused() || incoming.headers.expect !== undefined;
}

const SMALL_BODY_OCTETS = 64 << 10;
