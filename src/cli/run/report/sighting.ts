/** What the sidecar's log tells a run of its command: lookups and connections, read line by line. */
import { type JsonObject, numberOf, parseObject, stringOf, stringsOf } from "../json.ts";

/** Which layer and rule decided; both undefined in a line that stands for many. */
export interface Cause {
  readonly layer: string | undefined;
  readonly rule: string | undefined;
  /** Of a connection that showed no name, or in a form that is not taken: what was wrong with it. */
  readonly form?: string | undefined;
}

/** All that a rule of the kernel's own refuses of datagrams to addresses of names, but for port 853. */
export const QUIC = "HTTP/3 (QUIC), which shows no name that can be read";
const DNS_OVER_QUIC = 853;

/** Where a connection has shown a name that is denied. */
export interface ShownAt {
  readonly address: string | undefined;
  /** A name that gave the address. */
  readonly owner: string | undefined;
}

/**
 * One decision, or `count` of them that one line stands for; `name` and `address` are undefined if such a
 * line names none.
 */
export type Sighting =
  | {
      readonly kind: "denied-name";
      readonly name: string | undefined;
      readonly cause: Cause;
      readonly count: number;
      /** Of a name that a connection has shown; undefined: it was looked up. */
      readonly shownAt?: ShownAt;
      readonly flow?: Flow;
    }
  | {
      readonly kind: "denied-address";
      readonly address: string | undefined;
      readonly flow: Flow;
      /** The name that last gave the address. */
      readonly host: string | undefined;
      readonly cause: Cause;
      readonly count: number;
    }
  | {
      readonly kind: "failed";
      readonly name: string;
      readonly reason: string;
      readonly upstream: string | undefined;
    }
  | { readonly kind: "allowed"; readonly name: string };

/** Connections are judged by their address alone, whatever name they show. */
export interface Unjudged {
  readonly kind: "unjudged";
  readonly reason: string;
}

export interface Flow {
  readonly transport: string | undefined;
  readonly port: number | undefined;
}

/** Undefined for a line that is no decision, or no JSON. */
export function readSighting(line: string): Sighting | Unjudged | undefined {
  const event = parseObject(line);
  if (stringOf(event, "protection") === "wire-names" && stringOf(event, "state") === "off")
    return { kind: "unjudged", reason: stringOf(event, "reason") ?? "" };
  const name = stringOf(event, "target.host");
  switch (stringOf(event, "opensandbox.event") ?? "") {
    case "egress.denied": {
      const denial = { name, ...readDenial(event) };
      if (stringOf(event, "msg")?.startsWith("connection") === true) return readConnection(event, denial);
      return { kind: "denied-name", ...denial };
    }
    case "egress.withheld": {
      const [address] = stringsOf(event, "target.ips");
      const flow = { transport: undefined, port: undefined };
      return { kind: "denied-address", address, flow, host: name, ...readDenial(event) };
    }
    case "egress.outbound": {
      // A line that stands for many has no reason, and the level alone says that they failed.
      const reason =
        stringOf(event, "error") ?? (stringOf(event, "level") === "warn" ? "no answer" : undefined);
      if (name === undefined) return undefined;
      if (reason === undefined) return { kind: "allowed", name };
      return { kind: "failed", name, reason, upstream: stringOf(event, "server.address") };
    }
    default:
      return undefined;
  }
}

function readDenial(event: JsonObject | undefined): { readonly cause: Cause; readonly count: number } {
  const cause = { layer: stringOf(event, "layer"), rule: stringOf(event, "rule") };
  return { cause, count: numberOf(event, "count") ?? 1 };
}

/** A refused connection. */
function readConnection(
  event: JsonObject | undefined,
  { name, cause, count }: Pick<Extract<Sighting, { kind: "denied-name" }>, "name" | "cause" | "count">,
): Sighting {
  const [address] = stringsOf(event, "target.ips");
  const flow = { transport: stringOf(event, "network.transport"), port: numberOf(event, "target.port") };
  const [owner] = stringsOf(event, "address.names");
  switch (stringOf(event, "reason") ?? "") {
    case "shown-name":
      return { kind: "denied-name", name, cause, count, flow, shownAt: { address, owner } };
    case "shown-form": {
      const form = stringOf(event, "reason.detail");
      const host = name ?? owner;
      return { kind: "denied-address", address, flow, host, cause: { ...cause, form }, count };
    }
    case "kernel-rule": {
      const isQuic = flow.transport === "udp" && flow.port !== DNS_OVER_QUIC && name !== undefined;
      const form = isQuic ? QUIC : undefined;
      return { kind: "denied-address", address, flow, host: name, cause: { ...cause, form }, count };
    }
    default:
      return { kind: "denied-address", address, flow, host: name, cause, count };
  }
}
