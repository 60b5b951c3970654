/**
 * The scope of a rule with `http`. The sidecar reads requests over TCP at port 443 (TLS) and at port 80
 * (without), and nowhere else.
 *
 * Without `ports` the reading is the closed one: an allow opens port 443 alone, a deny speaks of both.
 */
import type { SpokenApp } from "./app.ts";
import type { HttpMatch } from "./http-match.ts";
import { type Result, accepted, refused } from "./problem.ts";
import type { Scope } from "./scope.ts";

/** Ports at which requests are read. */
export const HTTP_PORTS = [80, 443] as const;
export type HttpPort = (typeof HTTP_PORTS)[number];

type HttpScheme = "https" | "http";

/** How requests at the port are sent: by TLS at 443 alone. */
export function schemeAt(port: number): HttpScheme {
  return port === 443 ? "https" : "http";
}

/** What a connection for requests of the scheme speaks. */
export function appOf(scheme: HttpScheme): Extract<SpokenApp, "tls" | "http"> {
  return scheme === "https" ? "tls" : "http";
}

/** The scope, narrowed to requests; `scope` is that of the rule's ports and protocol. */
export function narrowToRequests(scope: Scope | undefined, http: HttpMatch): Result<Scope> {
  if (scope !== undefined && scope.protocol !== "tcp")
    return refused("http is over tcp: write tcp, or leave protocol out", "protocol");
  if (scope?.app !== undefined)
    return refused("requests are read of bound hosts alone, whose protocol is known: take app out", "app");
  const isNamed = scope?.written.ports !== undefined;
  const ports = isNamed ? listPorts(scope) : undefined;
  if (isNamed && ports === undefined)
    return refused(
      "requests are read at ports 443 and 80 alone: name one of these, or take http out",
      "ports",
    );
  return accepted({
    written: { ...scope?.written, http: http.written },
    key: `${ports === undefined ? "" : `tcp/${ports.join(",")} `}http ${http.key}`,
    protocol: "tcp",
    isProtocolSaid: true,
    ports: (ports ?? [443]).map((port) => ({ first: port, last: port })),
    http,
  });
}

/** The ports that a rule with `http` speaks of. */
export function httpPortsOf(action: "allow" | "deny", { written, ports }: Scope): readonly HttpPort[] {
  if (written.ports === undefined) return action === "deny" ? HTTP_PORTS : [443];
  return HTTP_PORTS.filter((port) => ports.some(({ first, last }) => first <= port && port <= last));
}

/** The ports over which a binding has to cover the host; without one the rule could not be enforced. */
export function neededPortsOf(scope: Scope): readonly HttpPort[] {
  return httpPortsOf("allow", scope);
}

/** Undefined if one of them is no port at which requests are read. */
function listPorts({ ports }: Scope): readonly HttpPort[] | undefined {
  const named = HTTP_PORTS.filter((port) => ports.some(({ first, last }) => first === port && last === port));
  return named.length === ports.length ? named : undefined;
}
