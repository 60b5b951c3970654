/** `GET /policy/suggest`: a policy that lets through what was seen, ready for `PUT /policy`. */
import type { SeenSuggestion } from "../../enforcement/seen/suggest.ts";
import { renderPolicy } from "../../policy/policy.ts";
import { quote } from "../../policy/problem.ts";
import type { Auth } from "../auth/auth.ts";
import type { ApiContext } from "../context.ts";
import { type Queries, readQueries } from "../queries.ts";
import { CUT_HEADER } from "../headers.ts";
import { refuseWrite } from "../read-only.ts";
import { type Refusal, renderRefusal } from "../refusal.ts";

export type Suggest = (asked: {
  readonly wildcards: boolean;
  readonly ports: boolean;
}) => Promise<SeenSuggestion>;

export async function serveSuggest(c: ApiContext, auth: Auth, suggest: Suggest): Promise<Response> {
  const refusal = auth.refuseCaller(c) ?? refuseWrite(c);
  if (refusal !== undefined) return renderRefusal(c, refusal);
  const flags = readFlags(readQueries(c));
  if (!flags.ok) return renderRefusal(c, flags.refusal);
  const { policy, leftOut, seen } = await suggest({
    wildcards: flags.on.has("wildcards"),
    ports: flags.on.has("ports"),
  });
  if (seen.cut > 0) c.header(CUT_HEADER, String(seen.cut));
  const rendered = renderPolicy(policy);
  return c.json(flags.on.has("details") ? { status: "ok", policy: rendered, leftOut, seen } : rendered);
}

const FLAGS: ReadonlySet<string> = new Set(["wildcards", "ports", "details"]);

type Flags =
  | { readonly ok: true; readonly on: ReadonlySet<string> }
  | { readonly ok: false; readonly refusal: Refusal };

function readFlags(queries: Queries): Flags {
  const on = new Set<string>();
  for (const [name, [value, ...more]] of Object.entries(queries)) {
    if (!FLAGS.has(name)) return refuse(`${quote(name)}: this call has no such parameter`);
    if (more.length > 0 || (value !== "true" && value !== "false"))
      return refuse(`${name}: must be true or false, and given once`);
    if (value === "true") on.add(name);
  }
  return { ok: true, on };
}

function refuse(message: string): Flags {
  return { ok: false, refusal: { code: "invalid-query", message } };
}
