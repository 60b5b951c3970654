/**
 * The scope of a rule: which ports and protocol of its target it speaks of, and what a flow has to speak. A
 * rule without a scope speaks of every flow to the target.
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
import { type App, parseApp } from "./app.ts";
import { type Problem, type Result, accepted, quote, refused, refusedAll } from "./problem.ts";

/** As GET shows it again. */
export interface WrittenScope {
  readonly ports?: readonly (number | string)[];
  readonly protocol?: string;
  readonly app?: string;
  readonly http?: WrittenHttp;
}

export interface Scope {
  readonly written: WrittenScope;
  /**
   * The canonical form: `tcp/443,8000-8080`, `udp`, `tcp/22 app ssh`. PATCH and DELETE treat scopes
   * with the same key as one.
   */
  readonly key: string;
  readonly protocol: ScopeProtocol;
  readonly isProtocolSaid: boolean;
  readonly ports: PortSet;
  /** Which protocol a flow has to speak, if the scope says one: see `app.ts`. */
  readonly app?: App | undefined;
  /** Which requests, if the scope is narrowed to requests: see `http-scope.ts`. */
  readonly http?: HttpMatch | undefined;
}

export const SCOPE_PROTOCOLS = ["tcp", "udp", "icmp"] as const;
export type ScopeProtocol = (typeof SCOPE_PROTOCOLS)[number];

/** Entries of `ports`. */
export const PORTS_MAX = 256;

/** The keys of a scope, as they were sent; null is the same as absent. */
export interface SentFlows {
  readonly ports?: readonly unknown[] | null | undefined;
  readonly protocol?: string | null | undefined;
  readonly app?: string | null | undefined;
}

/** The scope of these keys; undefined if there are none. A problem's path is the key's. */
export function parseScope({ ports, protocol, app }: SentFlows): Result<Scope | undefined> {
  const named = parseProtocol(protocol ?? undefined);
  const read = parsePorts(ports ?? undefined);
  const asked = parseApp(app);
  if (!named.ok || !read.ok || !asked.ok) {
    return refusedAll([named, read, asked].flatMap((result) => (result.ok ? [] : result.problems)));
  }
  const isSaid = [named.value, read.value, asked.value].some((value) => value !== undefined);
  if (!isSaid) return accepted(undefined);
  if (named.value === "icmp" && read.value !== undefined) {
    return refused("icmp has no ports: take them out, or write tcp or udp", "protocol");
  }
  if (asked.value !== undefined && (named.value ?? "tcp") !== "tcp")
    return refused("app is over tcp: write tcp, or leave protocol out", "protocol");
  const flows = toFlows(named.value, read.value);
  return accepted({
    ...flows,
    written: {
      ...(read.value === undefined ? {} : { ports: read.value.map(({ written }) => written) }),
      ...(typeof protocol === "string" ? { protocol } : {}),
      ...(typeof app === "string" ? { app } : {}),
    },
    ...toApp(flows.key, asked.value),
  });
}

function toFlows(
  named: ScopeProtocol | undefined,
  read: readonly WrittenPorts[] | undefined,
): Omit<Scope, "written"> {
  const protocol = named ?? "tcp";
  const ports = portSet(read?.map(({ range }) => range) ?? EVERY_PORT);
  const key = read === undefined ? protocol : `${protocol}/${renderPorts(ports)}`;
  return { key, protocol, isProtocolSaid: named !== undefined, ports };
}

function toApp(key: string, app: App | undefined): Pick<Scope, "key" | "app"> {
  return app === undefined ? { key } : { key: `${key} app ${app}`, app };
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
