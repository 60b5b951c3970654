import type { IncomingMessage, ServerResponse } from "node:http";
import type { Health } from "../enforcement/change/policy-control.ts";
import { oneLine } from "../policy/problem.ts";
import type { ApiContext } from "./context.ts";
import { AUDIT_HEADER } from "./headers.ts";
import { refuseWrite } from "./read-only.ts";
import { renderRefusal } from "./refusal.ts";

const TEXT = "text/plain; charset=UTF-8";

/** Whether a request is for nothing but health, in the form in which it is asked for each second. */
export function asksForHealth({ method, url, headers }: IncomingMessage): boolean {
  const hasBody = headers["content-length"] !== undefined || headers["transfer-encoding"] !== undefined;
  return url === "/healthz" && (method === "GET" || method === "HEAD") && !hasBody;
}

/** `GET /healthz`, for everyone: 200 `ok` while the policy is enforced, otherwise 503 with the reason. */
export function sayHealth(health: Health, outgoing: ServerResponse, isAudit: boolean): void {
  const { status, text, phrase } = describeHealth(health);
  const headers = { "Content-Type": TEXT, "Content-Length": Buffer.byteLength(text) };
  outgoing.writeHead(status, phrase, isAudit ? { ...headers, [AUDIT_HEADER]: "on" } : headers);
  outgoing.end(text);
}

/** The same for requests in any other form. */
export async function serveHealthz(c: ApiContext, control: { health(): Promise<Health> }): Promise<Response> {
  const refusal = refuseWrite(c);
  if (refusal !== undefined) return renderRefusal(c, refusal);
  const { status, text, phrase } = describeHealth(await control.health());
  // A `Response` carries none that reaches Node.
  c.env.outgoing.statusMessage = phrase;
  return c.text(text, status);
}

interface DescribedHealth {
  readonly status: 200 | 503;
  readonly text: string;
  /** In the status line. OpenSandbox's server shows its user this and nothing else. */
  readonly phrase: string;
}

function describeHealth(health: Health): DescribedHealth {
  if (health.ok) return { status: 200, text: "ok", phrase: "OK" };
  const text = oneLine(health.reason);
  return { status: 503, text, phrase: text.replaceAll(/[^ -~]/gu, "?").slice(0, PHRASE_OCTETS) };
}

const PHRASE_OCTETS = 200;
