/** The calls of the API, typed by its document. A call never throws: what came of it is a value. */
import createClient from "openapi-fetch";
import type { paths } from "../../client/api-types.ts";
import type { Decisions } from "../../client/decision-types.ts";
import type { Explanation, Schemas } from "../../client/schemas.ts";
import type { Session } from "./session.ts";

export type Status = Readonly<Schemas["Status"]>;
export type PolicyState = Readonly<Schemas["PolicyState"]>;
export type PolicyChange = Readonly<Schemas["PolicyChange"]>;
export type { Decisions, Explanation };

export type Answer<T> =
  | { readonly ok: true; readonly value: T; readonly etag: string | undefined; readonly dateMs: number }
  | { readonly ok: false; readonly message: string; readonly isStale: boolean };

/** A change of the policy, as the API takes it. */
export type Change =
  | { readonly kind: "merge"; readonly rules: Schemas["Rules"] }
  | { readonly kind: "remove"; readonly targets: Schemas["Targets"] }
  | { readonly kind: "replace"; readonly policy: Schemas["Policy"] };

export interface ChangeHow {
  readonly dryRun: boolean;
  readonly ifMatch: string | undefined;
}

/** As a person writes it: what is empty is not asked. */
export interface Question {
  readonly target: string;
  readonly port: string;
  readonly protocol: string;
  /** Empty: that is not asked. */
  readonly app: string;
  /** Whether the sidecar opens a connection, to see what the far end does. */
  readonly isTried: boolean;
}

export interface Api {
  status(limit: number): Promise<Answer<Status>>;
  policy(): Promise<Answer<PolicyState>>;
  change(change: Change, how: ChangeHow): Promise<Answer<PolicyChange>>;
  explain(question: Question): Promise<Answer<Explanation>>;
  setAudit(enabled: boolean): Promise<Answer<Schemas["AuditState"]>>;
  /** The smallest policy that lets through what was seen. */
  suggest(): Promise<Answer<Schemas["Suggestion"]>>;
  decisions(limit: number): Promise<Answer<Decisions>>;
  /** The stream behind that decision. Rejects if there is none. */
  events(lastId: string): Promise<ReadableStream<Uint8Array>>;
}

export function createApi(session: Session): Api {
  const send = (request: Request): Promise<Response> => sendWithToken(session, request);
  const headers = { Accept: "application/json, application/problem+json" };
  const client = createClient<paths>({ baseUrl: location.origin, fetch: send, headers, cache: "no-store" });
  return {
    status: (limit) => settle(client.GET("/status", { params: { query: { limit } } })),
    policy: () => settle(client.GET("/policy")),
    change(change, { dryRun, ifMatch }) {
      const header = ifMatch === undefined ? {} : { "If-Match": ifMatch };
      const params = { header, query: dryRun ? { dryRun } : {} };
      if (change.kind === "merge") return settle(client.PATCH("/policy", { params, body: change.rules }));
      if (change.kind === "remove") return settle(client.DELETE("/policy", { params, body: change.targets }));
      return settle(client.PUT("/policy", { params, body: change.policy }));
    },
    explain: (question) => settle(client.GET("/explain", { params: { query: readQuestion(question) } })),
    setAudit: (enabled) => settle(client.PUT("/audit", { body: { enabled } })),
    suggest: () => settle(client.GET("/policy/suggest")),
    decisions: (limit) => settle(client.GET("/decisions", { params: { query: { limit } } })),
    async events(lastId) {
      const given = { Accept: "text/event-stream", "Last-Event-ID": lastId };
      const url = new URL("/events", location.origin);
      const { ok, body } = await send(new Request(url, { headers: given, cache: "no-store" }));
      if (!ok || body === null) throw new TypeError("no stream");
      return body;
    },
  };
}

const APPS = ["tls", "http", "ssh", "postgres"] as const;

/** The sidecar says what is wrong with it. */
function readQuestion(question: Question): paths["/explain"]["get"]["parameters"]["query"] {
  const { target, port, protocol, isTried } = question;
  const app = APPS.find((one) => one === question.app);
  const given = {
    target,
    ...(port === "" ? {} : { port: Number(port) }),
    ...(isTried ? { try: true } : {}),
    ...(app === undefined ? {} : { app }),
  };
  return protocol === "udp" || protocol === "icmp" ? { ...given, protocol } : given;
}

/**
 * Asks for a token if a look is refused. A change never asks: a look came before it, and its refusal is for
 * the person who wants it.
 */
async function sendWithToken(session: Session, request: Request): Promise<Response> {
  for (;;) {
    const token = session.token();
    const sent = request.clone();
    if (token !== undefined) sent.headers.set("Authorization", `Bearer ${toHeader(token)}`);
    const response = await fetch(sent);
    if (response.status !== 401 || request.method !== "GET") return response;
    await session.replace(token);
  }
}

/** A header is octets: a token with other characters than ASCII goes as UTF-8. */
function toHeader(token: string): string {
  return Array.from(new TextEncoder().encode(token), (octet) => String.fromCharCode(octet)).join("");
}

interface Exchange<T> {
  readonly data?: T;
  readonly error?: unknown;
  readonly response: Response;
}

async function settle<T>(call: Promise<Exchange<T>>): Promise<Answer<T>> {
  try {
    const { data, error, response } = await call;
    if (data === undefined)
      return { ok: false, message: messageOf(error, response), isStale: response.status === 412 };
    const dateMs = Date.parse(response.headers.get("Date") ?? "");
    return { ok: true, value: data, etag: response.headers.get("ETag") ?? undefined, dateMs };
  } catch (error) {
    return { ok: false, message: `No answer from the sidecar (${String(error)}).`, isStale: false };
  }
}

function messageOf(error: unknown, { status, statusText }: Response): string {
  if (typeof error === "string" && error !== "") return error;
  const isDetails = typeof error === "object" && error !== null && "message" in error;
  return isDetails ? String(error.message) : `${status} ${statusText}`;
}
