import { quote } from "../../policy/problem.ts";
import { SPOKEN_APPS } from "../../policy/app.ts";
import { parseTarget } from "../../policy/target.ts";
import { TRIED_PROTOCOLS } from "../../enforcement/explain/kernel-verdict.ts";
import type { ExplainRequest } from "../../enforcement/explain/explain.ts";
import type { Read } from "../http/body.ts";
import type { Queries } from "../queries.ts";
import { readAskedRequest } from "./asked-request.ts";

export type ExplainQuery = Omit<ExplainRequest, "addresses">;

const PARAMETERS = ["target", "port", "protocol", "app", "try", "method", "path"] as const;

/** Reads `target`, and what else is given of the call's parameters; each once, and nothing else. */
export function readExplainQuery(queries: Queries): Read<ExplainQuery> {
  const other = Object.keys(queries).find((name) => !PARAMETERS.some((known) => known === name));
  if (other !== undefined) return refuse(`${quote(other)}: this call has no such parameter`);
  const twice = PARAMETERS.find((name) => (queries[name]?.length ?? 0) > 1);
  if (twice !== undefined) return refuse(`${twice}: must be given once`);
  const [target, port, word = "tcp", app, tried, method, path] = PARAMETERS.map((name) => queries[name]?.[0]);
  const known = TRIED_PROTOCOLS.find((one) => one === word);
  if (known === undefined) return refuse(`protocol: ${quote(word)} is none of ${TRIED_PROTOCOLS.join(", ")}`);
  const number = readPort(port);
  if (number === "bad") return refuse("port: must be a whole number from 1 to 65535");
  if (number !== undefined && known === "icmp") return refuse("port: icmp has none");
  const place = { port: number, protocol: known };
  const asked = readApp(app, place);
  if (!asked.ok) return asked;
  const isTried = readTry(tried, place);
  if (typeof isTried === "string") return refuse(isTried);
  const request = readAskedRequest({ method, path }, place);
  if (typeof request === "string") return refuse(request);
  return readTarget(target, {
    ...place,
    ...asked.value,
    isTried,
    ...(request === undefined ? {} : { request }),
  });
}

function readApp(
  word: string | undefined,
  { port, protocol }: Pick<ExplainQuery, "port" | "protocol">,
): Read<Pick<ExplainQuery, "app">> {
  if (word === undefined) return { ok: true, value: {} };
  const app = SPOKEN_APPS.find((one) => one === word);
  if (app === undefined) return refuse(`app: ${quote(word)} is none of ${SPOKEN_APPS.join(", ")}`);
  if (port === undefined || protocol !== "tcp")
    return refuse("app: is what a connection speaks: give its port, and tcp or no protocol");
  return { ok: true, value: { app } };
}

/** Whether to try, or why not. */
function readTry(
  word = "false",
  { port, protocol }: Pick<ExplainQuery, "port" | "protocol">,
): boolean | string {
  if (word !== "true" && word !== "false") return "try: must be true or false";
  if (word === "true" && (port === undefined || protocol !== "tcp")) return "try: needs a port, and tcp";
  return word === "true";
}

function readTarget(text: string | undefined, rest: Omit<ExplainQuery, "target">): Read<ExplainQuery> {
  if (text === undefined) return refuse("target: is missing: give a name or an address");
  const parsed = parseTarget(text);
  if (!parsed.ok) return refuse(`target: ${parsed.problems[0]?.message ?? "can't be read"}`);
  const target = parsed.value;
  if (target.kind === "wildcard")
    return refuse(`target: ${quote(text)} is a wildcard: give one name below it`);
  if (target.kind === "prefix" && target.prefix.length !== 8 * target.prefix.octets.length) {
    return refuse(`target: ${quote(text)} is a prefix: give one address in it`);
  }
  if (target.kind === "prefix" && rest.request !== undefined)
    return refuse("method, path: requests are read by their host's name: give a name as the target");
  return { ok: true, value: { target, ...rest } };
}

function readPort(text: string | undefined): number | "bad" | undefined {
  if (text === undefined) return undefined;
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  return port >= 1 && port <= 65_535 ? port : "bad";
}

function refuse(message: string): Read<ExplainQuery> {
  return { ok: false, refusal: { code: "invalid-query", message } };
}
