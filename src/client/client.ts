/**
 * The typed client of the sidecar's API: `egress-sidecar/client`. Its types are made from the OpenAPI
 * document. It keeps no connection open and no state but what it was made with; any number of calls may run
 * at once.
 */
import createFetchClient from "openapi-fetch";
import type { paths } from "./api-types.ts";
import { ApiError, ConnectionError, UnknownKeyError } from "./errors.ts";
import { createDecisionCalls } from "./decision-calls.ts";
import type { DecisionCalls } from "./decision-types.ts";
import { checkKeys, checkRemovals, checkRules } from "./known-keys.ts";
import { type TransportOptions, createTransport } from "./transport.ts";
import { createVaultCalls } from "./vault-calls.ts";
import type { Explanation, Schemas } from "./schemas.ts";
import type { VaultCalls } from "./vault-types.ts";
import { ACCEPT, readAnswer, toApiError } from "./read-answer.ts";
import { AUDIT, CHANGE, EXPLANATION, POLICY, STATUS, SUGGESTION } from "./shape.ts";

export { ApiError, ConnectionError, UnknownKeyError };
export type { ApiErrorCode, ApiProblem } from "./errors.ts";
export type {
  DecisionFilter,
  Decisions,
  DecisionsOptions,
  FollowDecisionsOptions,
  Decision,
  FollowedEvent,
} from "./decision-types.ts";

export type { Explanation } from "./schemas.ts";
export type { BindingInput, CredentialInput, VaultInput, VaultMutation, VaultState } from "./vault-types.ts";

/** What is asked of the policy: which action, for what. */
export interface RuleInput {
  /** Default: deny. */
  readonly action?: "allow" | "deny";
  /**
   * A name, a wildcard (`*.example.org`), an address or a prefix. Without it a rule with ports or a protocol
   * speaks of every destination.
   */
  readonly target?: string;
  /** Numbers, and ranges such as `"8000-8080"`: 256 at most. Default: every port. */
  readonly ports?: readonly (number | string)[];
  /** `tcp`, `udp` or `icmp`. With ports alone an allow opens TCP, and a deny refuses TCP and UDP. */
  readonly protocol?: string;
  /**
   * `tls`, `http`, `ssh` or `postgres`: an allow lets TCP pass if that is spoken; needs names on the wire.
   * `any` asks for nothing, not for a name either.
   */
  readonly app?: string;
  /** Only such requests, to a host that a credential is bound to. */
  readonly http?: HttpInput;
}

/** Of requests. */
export interface HttpInput {
  /** Default: every method. */
  readonly methods?: readonly string[];
  /** A final `*` stands for what follows. Default: every path. */
  readonly paths?: readonly string[];
}

/** The one rule with this target, ports, protocol, app and requests. */
export type RemovalInput = Omit<RuleInput, "action">;

/** Missing parts deny: no rules, and deny for the rest. */
export interface PolicyInput {
  readonly defaultAction?: "allow" | "deny";
  readonly egress?: readonly RuleInput[];
}

/** The policy in force. */
export type PolicyState = Readonly<Schemas["PolicyState"]> & Tagged;

/** The state after a change; with `dryRun` what it would be, with `policy`, `added` and `removed`. */
export type PolicyChange = Readonly<Schemas["PolicyChange"]> & Tagged;

interface Tagged {
  /** Of the policy in force, for `ifMatch`; undefined if a proxy dropped it. */
  readonly etag: string | undefined;
}

export type SidecarHealth = { readonly ok: true } | { readonly ok: false; readonly reason: string };

/** What is in force: policy layers, protections, learned addresses and more. */
export type SidecarStatus = Readonly<Schemas["Status"]>;

/**
 * A policy that lets through what was seen, what it leaves out since a rule denies it, and how much was seen.
 */
export type PolicySuggestion = Readonly<Extract<Schemas["Suggestion"], { readonly status: unknown }>>;

export interface CallOptions {
  readonly signal?: AbortSignal;
}

export interface ChangeOptions extends CallOptions {
  /** The change is made only while this entity tag holds; else `precondition-failed`. */
  readonly ifMatch?: string;
  /** Answer what would change, and change nothing. */
  readonly dryRun?: boolean;
}

export interface StatusOptions extends CallOptions {
  /** How many learned addresses: 0 to 1000; default: 100. */
  readonly limit?: number;
  /** `learned.next` of the page before. */
  readonly after?: string;
}

export interface SuggestOptions extends CallOptions {
  /** One wildcard in the place of several names below it; default: each name. */
  readonly wildcards?: boolean;
  /** Rules for the ports and protocols that connections were seen to, where any was; default: every port. */
  readonly ports?: boolean;
}

export interface ExplainOptions extends CallOptions {
  /** Of a connection; default: one that no rule for ports speaks of. */
  readonly port?: number;
  /** Default: tcp. */
  readonly protocol?: "tcp" | "udp" | "icmp";
  /** What the connection speaks; needs a port, and tcp. Default: that is not said. */
  readonly app?: "tls" | "http" | "ssh" | "postgres";
  /**
   * Have the sidecar open a connection, to see what the far end does; needs a port, and tcp. Default: false.
   */
  readonly try?: boolean;
  /** Of a request to a name, over port 443 or 80; default: GET where there is a path. */
  readonly method?: string;
  /** As it is sent, without the query; default: / where there is a method. */
  readonly path?: string;
}

/** Where the sidecar is, and the defaults that may be changed. */
export type ClientOptions = Pick<TransportOptions, "endpoint"> & Partial<Omit<TransportOptions, "endpoint">>;

/**
 * Every call throws ApiError if it is refused, ConnectionError if no answer came, UnknownKeyError where
 * what it was given holds a key that the API does not know, and the signal's reason.
 */
export interface EgressClient extends DecisionCalls, VaultCalls {
  getPolicy(options?: CallOptions): Promise<PolicyState>;
  /** Puts rules first, by target: see PATCH in the API's document. */
  patchRules(rules: readonly RuleInput[], options?: ChangeOptions): Promise<PolicyChange>;
  replacePolicy(policy: PolicyInput, options?: ChangeOptions): Promise<PolicyChange>;
  /** Denies everything. */
  resetPolicy(options?: ChangeOptions): Promise<PolicyChange>;
  /**
   * Removes the rules with these targets, or those that are named with ports and protocol; what no rule has
   * is ignored.
   */
  deleteRules(targets: readonly (string | RemovalInput)[], options?: ChangeOptions): Promise<PolicyChange>;
  /** What becomes of a name or an address. */
  explain(target: string, options?: ExplainOptions): Promise<Explanation>;
  /** A policy for what processes of the sandbox have tried. */
  suggestPolicy(options?: SuggestOptions): Promise<PolicySuggestion>;
  /** Whether audit mode is on: the policy denies nothing then. */
  getAudit(options?: CallOptions): Promise<boolean>;
  setAudit(enabled: boolean, options?: CallOptions): Promise<boolean>;
  getStatus(options?: StatusOptions): Promise<SidecarStatus>;
  /** An unhealthy sidecar is an answer here, not an error. */
  getHealth(options?: CallOptions): Promise<SidecarHealth>;
}

/** Throws UnknownKeyError. */
export function createEgressClient({ endpoint, ...options }: ClientOptions): EgressClient {
  checkKeys(options, "client", "options");
  const transport = createTransport({
    endpoint,
    token: options.token,
    proof: options.proof ?? "signature",
    headers: options.headers ?? {},
    timeoutMs: options.timeoutMs ?? 30_000,
    retries: options.retries ?? 2,
  });
  const api = createFetchClient<paths>({
    baseUrl: transport.baseUrl,
    headers: ACCEPT,
    fetch: transport.send,
  });
  const read = readAnswer(transport);
  return {
    getPolicy: async (call = {}) => read(api.GET("/policy", withSignal(call)), POLICY),
    async patchRules(rules, change = {}) {
      checkRules(rules, "rules");
      return read(api.PATCH("/policy", { ...forChange(change), body: rules.map(toSent) }), CHANGE);
    },
    async replacePolicy(policy, change = {}) {
      checkKeys(policy, "policy", "policy");
      const { egress, ...rest } = policy;
      checkRules(egress ?? [], "policy.egress");
      const body = egress === undefined ? rest : { ...rest, egress: egress.map(toSent) };
      return read(api.PUT("/policy", { ...forChange(change), body }), CHANGE);
    },
    resetPolicy: async (change = {}) => read(api.PUT("/policy", forChange(change)), CHANGE),
    deleteRules: async (targets, change = {}) =>
      read(api.DELETE("/policy", { ...forChange(change), body: toRemovals(targets) }), CHANGE),
    ...createAuditCalls(api, read),
    async getStatus(page = {}) {
      checkKeys(page, "status", "options");
      const { limit, after, ...call } = page;
      const query = { ...(limit === undefined ? {} : { limit }), ...(after === undefined ? {} : { after }) };
      const { etag: _none, ...status } = await read(
        api.GET("/status", { ...withSignal(call), params: { query } }),
        STATUS,
      );
      return status;
    },
    ...createDecisionCalls(api, transport),
    ...createVaultCalls(api, transport),
    async getHealth(call = {}) {
      const { response, error } = await api.GET("/healthz", { ...withSignal(call), parseAs: "text" });
      if (response.ok) return { ok: true };
      if (response.status === 503 && typeof error === "string") return { ok: false, reason: error };
      throw toApiError(response, error, false);
    },
  };
}

type AuditCalls = Pick<EgressClient, "explain" | "suggestPolicy" | "getAudit" | "setAudit">;

function createAuditCalls(
  api: ReturnType<typeof createFetchClient<paths>>,
  read: ReturnType<typeof readAnswer>,
): AuditCalls {
  return {
    async explain(target, asked = {}) {
      checkKeys(asked, "explain", "options");
      const { port, protocol, app, try: isTried = false, method, path, ...call } = asked;
      const query = {
        target,
        ...(port === undefined ? {} : { port }),
        ...(protocol === undefined ? {} : { protocol }),
        ...(app === undefined ? {} : { app }),
        ...(isTried ? { try: true } : {}),
        ...(method === undefined ? {} : { method }),
        ...(path === undefined ? {} : { path }),
      };
      const request = api.GET("/explain", { ...withSignal(call), params: { query } });
      const { etag: _none, ...explanation } = await read(request, EXPLANATION);
      return explanation;
    },
    async suggestPolicy(asked = {}) {
      checkKeys(asked, "suggest", "options");
      const { wildcards = false, ports = false, ...call } = asked;
      const query = { details: true, ...(wildcards ? { wildcards } : {}), ...(ports ? { ports } : {}) };
      const request = api.GET("/policy/suggest", { ...withSignal(call), params: { query } });
      const answer = await read(request, SUGGESTION);
      if (!("seen" in answer)) throw new TypeError("the sidecar has left out the details");
      const { etag: _none, ...suggestion } = answer;
      return suggestion;
    },
    getAudit: async (call = {}) => (await read(api.GET("/audit", withSignal(call)), AUDIT)).enabled,
    async setAudit(enabled, call = {}) {
      const request = api.PUT("/audit", { ...withSignal(call), body: { enabled } });
      return (await read(request, AUDIT)).enabled;
    },
  };
}

function withSignal(options: CallOptions): { readonly signal?: AbortSignal } {
  checkKeys(options, "call", "options");
  const { signal } = options;
  return signal === undefined ? {} : { signal };
}

function forChange(options: ChangeOptions) {
  checkKeys(options, "change", "options");
  const { ifMatch, dryRun = false, ...call } = options;
  const params = {
    ...(dryRun ? { query: { dryRun } } : {}),
    ...(ifMatch === undefined ? {} : { header: { "If-Match": ifMatch } }),
  };
  return { ...withSignal(call), params };
}

/** Arrays of its own, as the document's types have it. */
function toSent<T extends Pick<RuleInput, "ports" | "http">>({ ports, http, ...rest }: T) {
  return {
    ...rest,
    ...(ports === undefined ? {} : { ports: [...ports] }),
    ...(http === undefined ? {} : { http: toSentHttp(http) }),
  };
}

function toSentHttp({ methods, paths: places }: HttpInput) {
  return {
    ...(methods === undefined ? {} : { methods: [...methods] }),
    ...(places === undefined ? {} : { paths: [...places] }),
  };
}

function toRemovals(targets: readonly (string | RemovalInput)[]) {
  checkRemovals(
    targets.filter((one) => typeof one !== "string"),
    "targets",
  );
  return targets.map((one) => (typeof one === "string" ? one : toSent(one)));
}
