import { isSameAuthority, parseAuthority } from "./authority.ts";
import { isHopByHop } from "./connection-fields.ts";
import { type Field, makeField } from "./field.ts";
import { CHUNKED, isBodiless, NO_BODY, readFraming } from "./framing.ts";
import { isFieldValue, isToken } from "./octets.ts";
import { refuse, type Refusal } from "./refusal.ts";
import { type GatedRequest, refuseMethod } from "./request.ts";
import { type Scheme, SCHEME_PORTS } from "../../vault/binding.ts";
import { pathOf, readTarget } from "./target.ts";

/** Pseudo fields of a request, each once (RFC 9113 section 8.3.1). */
interface Pseudo {
  method?: string;
  scheme?: string;
  path?: string;
  authority?: string;
}

const PSEUDO: Readonly<Record<string, keyof Pseudo>> = {
  ":method": "method",
  ":scheme": "scheme",
  ":path": "path",
  ":authority": "authority",
};

/**
 * A request of HTTP/2 through the same gate: `raw` has names and values in turn, as node:http2 gives them.
 * Names are lower-case tokens. Pseudo fields come first, each once. `host` agrees with `:authority`, and no
 * field belongs to a connection.
 */
export function gateH2Request(
  raw: readonly string[],
  { scheme, hasBody }: { readonly scheme: Scheme; readonly hasBody: boolean },
): GatedRequest | Refusal {
  const pseudo: Pseudo = {};
  const fields: Field[] = [];
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const refused = takeField(raw[at] ?? "", raw[at + 1] ?? "", { pseudo, fields });
    if (refused !== undefined) return refused;
  }
  return assemble(pseudo, fields, { scheme, hasBody });
}

function takeField(
  name: string,
  value: string,
  { pseudo, fields }: { readonly pseudo: Pseudo; readonly fields: Field[] },
): Refusal | undefined {
  if (name.startsWith(":")) {
    const key = PSEUDO[name];
    if (key === undefined || pseudo[key] !== undefined || fields.length > 0)
      return refuse(400, "a pseudo header field that is unknown, twice, or behind others");
    pseudo[key] = value;
    return undefined;
  }
  return takeRegular(name, value, fields);
}

/** RFC 9113 sections 8.2.1 and 8.2.2. */
function takeRegular(name: string, value: string, fields: Field[]): Refusal | undefined {
  if (!isToken(name) || name !== name.toLowerCase()) return refuse(400, "a header name that is no token");
  if (!isFieldValue(value) || /^[ \t]|[ \t]$/.test(value)) return refuse(400, "a header value that is none");
  const field = makeField(name, value);
  const isTe = name === "te" && value === "trailers";
  if (isHopByHop(field.key) && !isTe && name !== "trailer" && !name.startsWith("proxy-auth"))
    return refuse(400, "a header field of a connection");
  fields.push(field);
  return undefined;
}

function assemble(
  { method, scheme, path, authority }: Pseudo,
  fields: readonly Field[],
  flow: { readonly scheme: Scheme; readonly hasBody: boolean },
): GatedRequest | Refusal {
  if (method === undefined || !isToken(method) || scheme === undefined || path === undefined)
    return refuse(400, "a request without its pseudo header fields");
  const refusedMethod = refuseMethod(method);
  if (refusedMethod !== undefined) return refusedMethod;
  if (scheme !== flow.scheme) return refuse(421, "the scheme is not the connection's");
  const named = readAuthority(authority, fields, flow.scheme);
  if ("status" in named) return named;
  const target = /^[/*]/.test(path)
    ? readTarget(path, { method, scheme: flow.scheme, authority: named })
    : refuse(400, "a :path that is no path");
  if (typeof target !== "string") return target;
  const rest = readRest(fields, flow.hasBody);
  if ("status" in rest) return rest;
  return { ...rest, kind: "request", method, target, path: pathOf(target), authority: named };
}

function readAuthority(
  authority: string | undefined,
  fields: readonly Field[],
  scheme: Scheme,
): ReturnType<typeof refuse> | { name: string; port: number | undefined } {
  const hosts = fields.filter(({ key }) => key === "host");
  if (hosts.length > 1 || hosts.some(({ name }) => name !== "host")) return refuse(400, "more than one host");
  const host = hosts[0] === undefined ? undefined : parseAuthority(hosts[0].value);
  const named = authority === undefined ? host : parseAuthority(authority);
  if (named === undefined) return refuse(400, "an :authority that is no name with a port");
  if (hosts.length === 1 && (host === undefined || !isSameAuthority(named, host, SCHEME_PORTS[scheme])))
    return refuse(421, "host does not agree with :authority");
  return named;
}

function readRest(
  fields: readonly Field[],
  hasBody: boolean,
): Omit<GatedRequest, "kind" | "method" | "target" | "path" | "authority"> | Refusal {
  const lengths = fields.filter(({ key }) => key === "content-length");
  if (lengths.length > 1 || lengths.some(({ name }) => name.includes("_")))
    return refuse(400, "more than one content-length");
  const length = readFraming({ length: lengths[0]?.value, coding: undefined });
  if (length?.kind === "refused") return length;
  if (!hasBody && length !== undefined && !isBodiless(length))
    return refuse(400, "a content-length without its body");
  const expects = fields.filter(({ key }) => key === "expect");
  if (expects.some(({ value }) => value.toLowerCase() !== "100-continue"))
    return refuse(417, "an expectation other than 100-continue");
  return {
    framing: length ?? (hasBody ? CHUNKED : NO_BODY),
    isOld: false,
    keepsAlive: true,
    webSocket: false,
    takesTrailers: fields.some(({ key }) => key === "te"),
    expectsContinue: expects.length > 0 && hasBody,
    fields: fields.filter(({ key }) => !isWrittenAnew(key)),
  };
}

function isWrittenAnew(key: string): boolean {
  return key === "host" || key === "content-length" || key === "expect" || isHopByHop(key);
}
