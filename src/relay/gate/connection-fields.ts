import { listMembers, type Field } from "./field.ts";
import { refuse, type Refusal } from "./refusal.ts";

/**
 * Fields of one connection, which do not go on (RFC 9110 section 7.6.1), beside those that `Connection`
 * names.
 */
const HOP_BY_HOP: ReadonlySet<string> = new Set([
  "connection",
  "keep-alive",
  "proxy-connection",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-authentication-info",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
  "http2-settings",
]);

export function isHopByHop(key: string): boolean {
  return HOP_BY_HOP.has(key);
}

/**
 * What `Connection` may name: the name of any other field would make the next hop drop one that we have set.
 */
const CONNECTION_OPTIONS: ReadonlySet<string> = new Set([
  "close",
  "keep-alive",
  "upgrade",
  "te",
  "trailer",
  "proxy-connection",
]);

/** What a client asks of the connection and of the hop. */
export interface HopWishes {
  readonly closes: boolean;
  readonly keepsAlive: boolean;
  /** `Upgrade: websocket`, named in `Connection`. */
  readonly webSocket: boolean;
  /** `TE: trailers`. */
  readonly takesTrailers: boolean;
}

export function readHopWishes(fields: readonly Field[]): HopWishes | Refusal {
  const options: string[] = [];
  const protocols: string[] = [];
  let takesTrailers = false;
  for (const { name, key, value } of fields) {
    if (!HOP_BY_HOP.has(key)) continue;
    if (name.includes("_")) return refuse(400, `a header field "${name}"`);
    if (key === "http2-settings") return refuse(400, "an upgrade to h2c");
    if (key === "connection") options.push(...listMembers(value));
    if (key === "upgrade") protocols.push(...listMembers(value));
    if (key === "te") takesTrailers ||= listMembers(value).includes("trailers");
  }
  const odd = options.find((option) => !CONNECTION_OPTIONS.has(option));
  if (odd !== undefined) return refuse(400, `Connection names what is no hop-by-hop field`);
  if (protocols.length > 0 && (protocols.length > 1 || protocols[0] !== "websocket"))
    return refuse(400, "an Upgrade other than websocket");
  const upgrades = options.includes("upgrade");
  if (upgrades !== protocols.length > 0) return refuse(400, "Connection and Upgrade do not agree");
  return {
    closes: options.includes("close"),
    keepsAlive: options.includes("keep-alive"),
    webSocket: upgrades,
    takesTrailers,
  };
}
