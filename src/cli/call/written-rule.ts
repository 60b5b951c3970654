/**
 * A rule as one word of a command line: a target, with a port or a range of ports, a protocol or what has to
 * be spoken, or both.
 *
 *     example.org   db.example.org:5432   example.org:8000-8080   192.0.2.0/24:53/udp   192.0.2.7/icmp
 *     db.example.org:5432/postgres   git.example.org:22/ssh
 *     [2001:db8::7]:443   [2001:db8::/32]:443   *:25 (every destination)
 */
import { APP_OF_DENIAL, APPS } from "../../policy/app.ts";
import type { Removal } from "../../policy/edit.ts";
import { accepted, quote, refused, refusedAll, type Result } from "../../policy/problem.ts";
import type { Action, Rule, RuleJson } from "../../policy/rule.ts";
import { readScope } from "../../policy/http-shape.ts";
import { parseScope, SCOPE_PROTOCOLS } from "../../policy/scope.ts";
import { EVERYWHERE, parseTarget, type RuleTarget } from "../../policy/target.ts";

/** Which requests to the target are meant, where the command line says so beside the word. */
export interface WrittenRequests {
  readonly methods?: readonly string[] | undefined;
  readonly paths?: readonly string[] | undefined;
}

const EVERY_REQUEST: WrittenRequests = {};

export function parseWrittenRule(
  action: Action,
  text: string,
  { methods, paths }: WrittenRequests = EVERY_REQUEST,
): Result<Rule> {
  const rule = parseWord(action, text);
  if (!rule.ok || (methods === undefined && paths === undefined)) return rule;
  const { target, scope } = rule.value;
  const narrowed = readScope({ ...scope?.written, http: { methods, paths } }, target);
  return narrowed.ok
    ? accepted({ action, target, scope: narrowed.value })
    : refusedAll(narrowed.problems.map(({ path, message }) => ({ path: optionOf(path), message })));
}

/** What the keys of `http` are called on a command line. */
function optionOf(path: string): string {
  if (path.startsWith("http.methods")) return "--method";
  return path.startsWith("http.paths") ? "--path" : path;
}

function parseWord(action: Action, text: string): Result<Rule> {
  const plain = parseTarget(text);
  if (plain.ok) return accepted({ action, target: plain.value });
  const parts = splitWord(text);
  if (parts === undefined) return plain;
  const target = parsePlace(parts.place);
  if (!target.ok) return target;
  const { ports, protocol, app } = parts;
  const scope = parseScope({ ports: ports === undefined ? undefined : [ports], protocol, app });
  if (!scope.ok) return refused(`${quote(text)}: ${scope.problems.map(({ message }) => message).join("; ")}`);
  if (action === "deny" && scope.value?.app !== undefined)
    return refused(`${quote(text)}: app ${APP_OF_DENIAL.message}`);
  return accepted({
    action,
    target: target.value,
    ...(scope.value === undefined ? {} : { scope: scope.value }),
  });
}

/** The same word for what goes: a target alone stands for all its rules. */
export function parseWrittenRemoval(text: string, requests = EVERY_REQUEST): Result<Removal> {
  const plain = parseTarget(text);
  if (plain.ok && requests.methods === undefined && requests.paths === undefined) return plain;
  const rule = parseWrittenRule("allow", text, requests);
  return rule.ok ? accepted({ kind: "rule", target: rule.value.target, scope: rule.value.scope }) : rule;
}

/** The words of a rule: one for each of its ports. */
export function renderWrittenRule({
  target = "*",
  ports,
  protocol,
  app = protocol,
}: Omit<RuleJson, "action">): readonly string[] {
  if (ports === undefined && app === undefined) return [target];
  const place = target.includes(":") ? `[${target}]` : target;
  // What is spoken is over TCP.
  const behind = app === undefined ? "" : `/${app.trim().toLowerCase()}`;
  return ports === undefined ? [`${place}${behind}`] : ports.map((port) => `${place}:${port}${behind}`);
}

/** What a rule speaks of, on one line. */
export function describeShown({ target, ports, protocol, app, http }: Omit<RuleJson, "action">): string {
  const place = target ?? "every destination";
  const parts = [
    ...(protocol === undefined ? [] : [protocol]),
    ...(ports === undefined ? [] : [`port ${ports.join(", ")}`]),
    ...(app === undefined ? [] : [`app ${app}`]),
    ...(http === undefined ? [] : ["http", ...describeHttp(http)]),
  ];
  return parts.length === 0 ? place : `${place} ${parts.join(" ")}`;
}

function describeHttp({ methods, paths }: NonNullable<RuleJson["http"]>): readonly string[] {
  return [methods, paths].flatMap((list) => (list === undefined ? [] : list.join(", ")));
}

interface WordParts {
  readonly place: string;
  readonly ports: number | string | undefined;
  readonly protocol: string | undefined;
  readonly app: string | undefined;
}

const [PROTOCOL, APP] = [SCOPE_PROTOCOLS.join("|"), APPS.join("|")];
const WORD = new RegExp(
  `^(?:\\[([^\\]]*)\\]|([^:\\[\\]]*?))(?::(\\d[\\d-]*))?(?:/(?:(${PROTOCOL})|(${APP})))?$`,
  "i",
);

/** Undefined if it has neither ports nor a protocol, nor an app. An IPv6 address stands in brackets then. */
function splitWord(text: string): WordParts | undefined {
  const match = WORD.exec(text.trim());
  if (match === null || (match[3] ?? match[4] ?? match[5]) === undefined) return undefined;
  const [, bracketed, bare = "", ports, protocol, app] = match;
  return { place: bracketed ?? bare, ports, protocol, app };
}

function parsePlace(place: string): Result<RuleTarget> {
  return place === "*" ? accepted(EVERYWHERE) : parseTarget(place);
}
