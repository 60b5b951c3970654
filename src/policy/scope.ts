/**
 * The scope of a rule: which ports and protocol of its target it speaks of. A rule without one speaks of
 * every flow to the target.
 *
 * `ports` without `protocol` gets the closed reading: an allow opens TCP alone; a deny refuses UDP too, or
 * HTTP/3 would pass at a denied port 443. PATCH and DELETE treat both as one scope, that of TCP.
 */
import {
  EVERY_PORT,
  type FlowSet,
  NO_FLOWS,
  PORT_MAX,
  type PortRange,
  portSet,
  type PortSet,
  renderPorts,
} from "./flow-set.ts";
import type { HttpMatch, WrittenHttp } from "./http-match.ts";
import { type Problem, type Result, accepted, quote, refused, refusedAll } from "./problem.ts";

/** As GET shows it again. */
export interface WrittenScope {
  readonly ports?: readonly (number | string)[];
  readonly protocol?: string;
  readonly http?: WrittenHttp;
}

export interface Scope {
  readonly written: WrittenScope;
  /**
   * The canonical form: `tcp/443,8000-8080`, `udp`. PATCH and DELETE treat scopes with the same key as one.
   */
  readonly key: string;
  readonly protocol: ScopeProtocol;
  readonly isProtocolSaid: boolean;
  readonly ports: PortSet;
  /** Which requests, if the scope is narrowed to requests: see `http-scope.ts`. */
  readonly http?: HttpMatch | undefined;
}

export const SCOPE_PROTOCOLS = ["tcp", "udp", "icmp"] as const;
export type ScopeProtocol = (typeof SCOPE_PROTOCOLS)[number];

/** Entries of `ports`. */
export const PORTS_MAX = 256;

/**
 * The scope of keys as they were sent; undefined if both are absent or null. A problem's path is the key's.
 */
export function parseScope(
  ports: readonly unknown[] | null | undefined,
  protocol: string | null | undefined,
): Result<Scope | undefined> {
  const named = parseProtocol(protocol ?? undefined);
  const read = parsePorts(ports ?? undefined);
  if (!named.ok || !read.ok) {
    return refusedAll([named, read].flatMap((result) => (result.ok ? [] : result.problems)));
  }
  if (named.value === undefined && read.value === undefined) return accepted(undefined);
  if (named.value === "icmp" && read.value !== undefined) {
    return refused("icmp has no ports: take them out, or write tcp or udp", "protocol");
  }
  const canonical = named.value ?? "tcp";
  const set = portSet(read.value?.map(({ range }) => range) ?? EVERY_PORT);
  return accepted({
    written: {
      ...(read.value === undefined ? {} : { ports: read.value.map(({ written }) => written) }),
      ...(typeof protocol === "string" ? { protocol } : {}),
    },
    key: read.value === undefined ? canonical : `${canonical}/${renderPorts(set)}`,
    protocol: canonical,
    isProtocolSaid: named.value !== undefined,
    ports: set,
  });
}

/** Some ports of a protocol, or all of ICMP. Beside the ports of an allow, TCP may go unsaid. */
export function scopeOf(protocol: ScopeProtocol, ports: PortSet): Scope {
  const isEvery = ports === EVERY_PORT;
  const isProtocolSaid = protocol !== "tcp" || isEvery;
  const written = ports.map(({ first, last }) => (first === last ? first : `${first}-${last}`));
  return {
    written: { ...(isEvery ? {} : { ports: written }), ...(isProtocolSaid ? { protocol } : {}) },
    key: isEvery ? protocol : `${protocol}/${renderPorts(ports)}`,
    protocol,
    isProtocolSaid,
    ports,
  };
}

/** The flows that a rule with this action and scope speaks of. */
export function flowsOfScope(action: "allow" | "deny", scope: Scope): FlowSet {
  const { protocol, ports, isProtocolSaid } = scope;
  const isUdpToo = action === "deny" && !isProtocolSaid;
  return { ...NO_FLOWS, [protocol]: ports, ...(isUdpToo ? { udp: ports } : {}) };
}

function parseProtocol(text: string | undefined): Result<ScopeProtocol | undefined> {
  if (text === undefined) return accepted(undefined);
  const plain = text.trim().toLowerCase();
  const found = SCOPE_PROTOCOLS.find((protocol) => protocol === plain);
  return found === undefined
    ? refused(`${quote(text)} is no protocol, must be tcp, udp or icmp`, "protocol")
    : accepted(found);
}

interface WrittenPorts {
  readonly written: number | string;
  readonly range: PortRange;
}

function parsePorts(all: readonly unknown[] | undefined): Result<readonly WrittenPorts[] | undefined> {
  if (all === undefined) return accepted(undefined);
  if (all.length === 0) return refused("is empty: leave it out to speak of every port", "ports");
  if (all.length > PORTS_MAX) {
    return refused(
      `has ${all.length} entries, and ${PORTS_MAX} at most: write ranges such as "8000-8080"`,
      "ports",
    );
  }
  const found: WrittenPorts[] = [];
  const problems: Problem[] = [];
  for (const [index, written] of all.entries()) {
    const range = parsePort(written);
    if (range === undefined || (typeof written !== "number" && typeof written !== "string")) {
      problems.push({ path: `ports[${index}]`, message: describeBadPort(written) });
    } else {
      found.push({ written, range });
    }
  }
  return problems.length > 0 ? refusedAll(problems) : accepted(found);
}

/** A number, its text, or `first-last`, with nothing around it. */
function parsePort(written: unknown): PortRange | undefined {
  if (typeof written !== "number" && typeof written !== "string") return undefined;
  const match = /^([1-9]\d{0,4})(?:-([1-9]\d{0,4}))?$/.exec(String(written));
  if (match === null) return undefined;
  const first = Number(match[1]);
  const last = match[2] === undefined ? first : Number(match[2]);
  return first <= last && last <= PORT_MAX ? { first, last } : undefined;
}

export function describeBadPort(written: unknown): string {
  return `${shown(written)} is no port, must be a number from 1 to ${PORT_MAX} or a range such as "8000-8080"`;
}

function shown(written: unknown): string {
  return typeof written === "string" ? quote(written) : quote(JSON.stringify(written) ?? "").slice(1, -1);
}
