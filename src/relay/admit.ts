/**
 * Whether a request that has passed the gate goes on, and with what: identity, rules, binding, in this order.
 * Pure; one reading of the vault decides a whole request.
 *
 * Known limit: it does not look for `?_method=` and the like, by which some frameworks take another method
 * from the query or the body.
 */
import type { FlowIdentity } from "../intercept/flow-identity.ts";
import type { Binding } from "../vault/binding.ts";
import type { BindingVerdict, VaultInForce } from "../vault/vault-in-force.ts";
import { isAmbiguousPath, otherReadings } from "../policy/ambiguous-path.ts";
import { type Field, makeField } from "./gate/field.ts";
import { METHOD_OVERRIDES, namesOtherHost, PATH_OVERRIDES } from "./gate/overrides.ts";
import { refuse, type Refusal } from "./gate/refusal.ts";
import { isToken } from "./gate/octets.ts";
import { type GatedRequest, isForFlow, refuseMethod } from "./gate/request.ts";
import { SCHEME_PORTS } from "../vault/binding.ts";
import { pathOf } from "./gate/target.ts";
import type { JudgeRequest, RequestRules } from "../intercept/request-rules.ts";
import type { BodyChange, FindChange, MessageChange } from "./ports.ts";

/** A request that goes on as it stands here. */
export interface Admission {
  readonly kind: "admitted";
  readonly request: GatedRequest;
  readonly binding: Binding | undefined;
  readonly revision: number;
  /** Folded names of the headers that were set. They must not stand in a trailer. */
  readonly injected: ReadonlySet<string>;
  /** Those, what was filled, and `:path` if it was: never to be indexed (RFC 7541 section 7.1.3). */
  readonly secretive: ReadonlySet<string>;
  readonly body: BodyChange | undefined;
  readonly change: MessageChange | undefined;
}

export interface AdmitContext {
  readonly flow: FlowIdentity;
  readonly vault: VaultInForce;
  readonly rules?: RequestRules | undefined;
  readonly findChange?: FindChange | undefined;
}

const NOTHING: ReadonlySet<string> = new Set();

const MISDIRECTED = refuse(421, "request endpoint identity does not match credential binding");
const AMBIGUOUS_PATH = refuse(403, "request path contains ambiguous segments");
const AMBIGUOUS_AFTER = refuse(403, "request path contains ambiguous substituted segments");

export function admit(request: GatedRequest, context: AdmitContext): Admission | Refusal {
  const { name, scheme, destination } = context.flow;
  if (!isForFlow(request, { name, scheme, port: destination.port })) return MISDIRECTED;
  const judge = context.rules?.findJudge(context.flow);
  const ruled = judge && (refuseOtherHost(request, context) ?? refuseByRule(request, judge));
  if (ruled !== undefined) return ruled;
  const verdict = findBinding(request.method, request.path, context);
  if (verdict.kind === "ambiguous") return refuse(403, "credential binding ambiguous");
  if (verdict.kind === "none") return changeAndInject(request, undefined, context);
  const refused = refuseOtherReadings(request, verdict.binding, context);
  return refused ?? changeAndInject(request, verdict.binding, context);
}

/**
 * A request has to be allowed in every way that the origin may read it. If rules speak of requests, a path
 * that servers read as several paths is refused.
 */
function refuseByRule({ method, path, fields }: GatedRequest, judge: JudgeRequest): Refusal | undefined {
  if (isAmbiguousPath(path)) return AMBIGUOUS_PATH;
  const methods = [method, method.toUpperCase()];
  for (const { key, name, value } of fields) {
    if (PATH_OVERRIDES.has(key)) return refuseOverride(name);
    if (!METHOD_OVERRIDES.has(key)) continue;
    methods.push(...readMethods(value));
    if (methods.length > MOST_METHODS) return refuseOverride(name);
  }
  const rule = judge({ methods: [...new Set(methods)], paths: [path, ...otherReadings(path)] });
  if (rule === undefined) return undefined;
  const by = rule.rule === undefined ? "no rule allows it" : `by the rule ${rule.rule}`;
  return refuse(403, `the policy refuses this request: ${by}`, rule);
}

/** All rules are asked about each, as it is and in upper case. No honest request has more of them. */
const MOST_METHODS = 16;

/** Of an override's value, which may be a list. */
function readMethods(value: string): readonly string[] {
  return value.split(",").flatMap((part) => [part.trim(), part.trim().toUpperCase()]);
}

function refuseOverride(name: string): Refusal {
  return refuse(403, `the header ${name} names another request than the request line`);
}

/** An origin that goes by such a header would take the request for another host's. */
function refuseOtherHost({ fields }: GatedRequest, { flow }: AdmitContext): Refusal | undefined {
  const own = { name: flow.name, port: flow.destination.port };
  const other = fields.find((field) => namesOtherHost(field, own));
  if (other === undefined) return undefined;
  return refuse(403, `the header ${other.name} names another host than the request is for; leave it out`);
}

/** Bindings are for the schemes' own ports. */
function findBinding(method: string, path: string, { flow, vault }: AdmitContext): BindingVerdict {
  const { name, scheme, destination } = flow;
  if (!vault.hasBindings || destination.port !== SCHEME_PORTS[scheme]) return { kind: "none" };
  return vault.findBinding({ scheme, host: name, method: method.toUpperCase(), path });
}

/**
 * The origin may read a request in another way than we do: a secret goes out only if each way has the same
 * binding.
 */
function refuseOtherReadings(
  request: GatedRequest,
  binding: Binding,
  context: AdmitContext,
): Refusal | undefined {
  if (binding.unavailable !== undefined)
    return refuse(503, `credential binding "${binding.name}" is unavailable: ${binding.unavailable}`);
  if (isAmbiguousPath(request.path)) return AMBIGUOUS_PATH;
  const isSame = (method: string, path: string): boolean => {
    const verdict = findBinding(method, path, context);
    return verdict.kind === "bound" && verdict.binding === binding;
  };
  if (!otherReadings(request.path).every((path) => isSame(request.method, path))) return AMBIGUOUS_PATH;
  const elsewhere = refuseOtherHost(request, context);
  if (elsewhere !== undefined) return elsewhere;
  for (const { key, name, value } of request.fields) {
    // A binding for any method has those that pass in a request line, and no others.
    const isServed = (method: string): boolean =>
      isToken(method) && refuseMethod(method) === undefined && isSame(method, request.path);
    if (PATH_OVERRIDES.has(key) || (METHOD_OVERRIDES.has(key) && !readMethods(value).every(isServed)))
      return refuseOverride(name);
  }
  return undefined;
}

function changeAndInject(
  request: GatedRequest,
  binding: Binding | undefined,
  context: AdmitContext,
): Admission | Refusal {
  const { flow, vault, findChange } = context;
  const change = findChange?.({ host: flow.name, binding, vault });
  const changed = change?.request(request);
  if (changed?.kind === "refused") return changed;
  const body = changed?.body;
  const given = changed?.request ?? request;
  const path = pathOf(given.target);
  const refused = path === request.path ? undefined : refuseFilledPath({ ...given, path }, context);
  if (refused !== undefined) return refused;
  const kept = { kind: "admitted", binding, revision: vault.revision, body, change } as const;
  const filled = changed?.filled ?? NOTHING;
  if (binding === undefined) return { ...kept, request: given, injected: NOTHING, secretive: filled };
  const { fields, injected } = injectHeaders(given.fields, binding);
  const secretive = filled.size === 0 ? injected : injected.union(filled);
  return { ...kept, request: { ...given, fields }, injected, secretive };
}

function refuseFilledPath(request: GatedRequest, { flow, rules }: AdmitContext): Refusal | undefined {
  if (isAmbiguousPath(request.path)) return AMBIGUOUS_AFTER;
  const judge = rules?.findJudge(flow);
  return judge && refuseByRule(request, judge);
}

function injectHeaders(
  given: readonly Field[],
  binding: Binding,
): { readonly fields: readonly Field[]; readonly injected: ReadonlySet<string> } {
  const headers = binding.headers.map(({ name, value }) => makeField(name, toOctets(value.reveal())));
  const injected = new Set(headers.map(({ key }) => key));
  return { fields: setFields(given, headers, injected), injected };
}

/** Deletes every spelling of the names, then sets each once. */
function setFields(
  fields: readonly Field[],
  headers: readonly Field[],
  names: ReadonlySet<string>,
): readonly Field[] {
  return [...fields.filter(({ key }) => !names.has(key)), ...headers];
}

/** Its UTF-8, an octet a character, as heads hold it here. */
function toOctets(text: string): string {
  // oxlint-disable-next-line no-control-regex -- ASCII is the same in both
  return /^[\0-\x7f]*$/.test(text) ? text : Buffer.from(text, "utf8").toString("latin1");
}
