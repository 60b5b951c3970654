/**
 * The gate before everything: one request of HTTP/1.1 that every server behind us reads as we do, or a
 * refusal. What passes is held as values, and `write-head.ts` writes it anew; no octet of the client's goes
 * on unread.
 *
 * Known limits: the gate accepts no HTTP/1.0 with a body, no transfer coding except `chunked`, no upgrade
 * except WebSocket's (RFC 6455).
 */
import { type Authority, isSameAuthority, parseAuthority } from "./authority.ts";
import { type HopWishes, isHopByHop, readHopWishes } from "./connection-fields.ts";
import type { Field } from "./field.ts";
import { findFramingFields, type Framing, isBodiless, NO_BODY, readFraming } from "./framing.ts";
import type { Head } from "./head.ts";
import { isToken } from "./octets.ts";
import { refuse, type Refusal } from "./refusal.ts";
import { type Scheme, SCHEME_PORTS } from "../../vault/binding.ts";
import { pathOf, readTarget } from "./target.ts";

/** A request that has passed. */
export interface GatedRequest {
  readonly kind: "request";
  /** As spelled: methods tell letter cases apart. */
  readonly method: string;
  /** In origin form, or `*`. */
  readonly target: string;
  /** The target up to its query. */
  readonly path: string;
  readonly authority: Authority;
  readonly framing: Framing;
  /** Of HTTP/1.0: no chunks in its answer, and its connection ends. */
  readonly isOld: boolean;
  readonly keepsAlive: boolean;
  readonly webSocket: boolean;
  readonly takesTrailers: boolean;
  readonly expectsContinue: boolean;
  /**
   * Only end-to-end fields: without Host, framing, and what belongs to the connection. In the order of the
   * client.
   */
  readonly fields: readonly Field[];
}

const REFUSED_METHODS: ReadonlySet<string> = new Set(["CONNECT", "TRACE", "TRACK"]);

export function gateRequest(head: Head, scheme: Scheme): GatedRequest | Refusal {
  const match = /^(?<method>[^ ]+) (?<target>[^ ]+) HTTP\/1\.(?<minor>[01])$/.exec(head.startLine);
  if (match === null) return refuseStartLine(head.startLine);
  const { method = "", target = "", minor } = match.groups ?? {};
  if (!isToken(method)) return refuse(400, "a method that is no token");
  const asked = gateFields(head, { method, isOld: minor === "0" });
  if ("status" in asked) return asked;
  return gateTarget({ ...asked, method, target, path: "", kind: "request" }, scheme);
}

/** Methods that make a server echo the request, or lead elsewhere. */
export function refuseMethod(method: string): Refusal | undefined {
  return REFUSED_METHODS.has(method.toUpperCase()) ? refuse(405, `the method ${method}`) : undefined;
}

function refuseStartLine(line: string): Refusal {
  return /^[^ ]+ [^ ]+ HTTP\/(?!1\.[01]$)[\d.]+$/.test(line)
    ? refuse(505, "a version of HTTP other than 1.1")
    : refuse(400, "a request line that is none of HTTP/1.1");
}

function gateTarget(request: GatedRequest, scheme: Scheme): GatedRequest | Refusal {
  const { method, authority } = request;
  const target = readTarget(request.target, { method, scheme, authority });
  return typeof target === "string" ? { ...request, target, path: pathOf(target) } : target;
}

type FromFields = Omit<GatedRequest, "method" | "target" | "path" | "kind">;

function gateFields(
  { fields }: Head,
  { method, isOld }: { readonly method: string; readonly isOld: boolean },
): FromFields | Refusal {
  const refusedMethod = refuseMethod(method);
  if (refusedMethod !== undefined) return refusedMethod;
  const authority = findHost(fields);
  if ("status" in authority) return authority;
  const framing = gateFraming(fields, isOld);
  if ("status" in framing) return framing;
  const wishes = readHopWishes(fields);
  if ("status" in wishes) return wishes;
  const expectsContinue = readExpect(fields);
  if (typeof expectsContinue !== "boolean") return expectsContinue;
  const refused = refuseUpgrade({ wishes, method, framing, isOld, fields });
  if (refused !== undefined) return refused;
  return {
    authority,
    framing,
    isOld,
    keepsAlive: !wishes.closes && !isOld,
    webSocket: wishes.webSocket,
    takesTrailers: wishes.takesTrailers,
    expectsContinue: expectsContinue && framing.kind !== "none",
    fields: fields.filter(({ key }) => !isOfTheHop(key)),
  };
}

/** What the writer writes by itself. */
function isOfTheHop(key: string): boolean {
  return key === "host" || key === "content-length" || key === "expect" || isHopByHop(key);
}

function findHost(fields: readonly Field[]): Authority | Refusal {
  let host: Field | undefined;
  for (const field of fields) {
    if (field.key !== "host") continue;
    if (host !== undefined) return refuse(400, "more than one Host");
    host = field;
  }
  if (host === undefined) return refuse(400, "no Host");
  return parseAuthority(host.value) ?? refuse(400, "a Host that is no name with a port");
}

function gateFraming(fields: readonly Field[], isOld: boolean): Framing | Refusal {
  const found = findFramingFields(fields);
  if ("status" in found) return found;
  const framing = readFraming(found);
  if (framing === undefined) return NO_BODY;
  if (framing.kind === "refused" || !isOld) return framing;
  return isBodiless(framing) ? framing : refuse(400, "a request of HTTP/1.0 with a body");
}

function readExpect(fields: readonly Field[]): boolean | Refusal {
  const values = fields.filter(({ key }) => key === "expect").map(({ value }) => value.toLowerCase());
  if (values.length === 0) return false;
  return values.every((value) => value === "100-continue")
    ? true
    : refuse(417, "an expectation other than 100-continue");
}

interface AskedUpgrade {
  readonly wishes: HopWishes;
  readonly method: string;
  readonly framing: Framing;
  readonly isOld: boolean;
  readonly fields: readonly Field[];
}

/** RFC 6455 section 4.1: GET, HTTP/1.1, no body, a key of 16 octets, version 13. */
function refuseUpgrade({ wishes, method, framing, isOld, fields }: AskedUpgrade): Refusal | undefined {
  if (!wishes.webSocket) return undefined;
  const keys = fields.filter(({ key }) => key === "sec-websocket-key");
  const versions = fields.filter(({ key }) => key === "sec-websocket-version");
  const isSound =
    method === "GET" &&
    !isOld &&
    isBodiless(framing) &&
    keys.length === 1 &&
    /^[A-Za-z\d+/]{22}==$/.test(keys[0]?.value ?? "") &&
    versions.length === 1 &&
    versions[0]?.value === "13";
  return isSound ? undefined : refuse(400, "an upgrade that is not WebSocket's");
}

/** Whether the name that the request is for, and its port, are the flow's. */
export function isForFlow(
  { authority }: GatedRequest,
  flow: { readonly name: string; readonly port: number; readonly scheme: Scheme },
): boolean {
  return isSameAuthority(authority, { name: flow.name, port: flow.port }, SCHEME_PORTS[flow.scheme]);
}
