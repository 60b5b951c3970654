/** What the sidecar's log tells a run of its command: lookups and connections, read line by line. */
import { numberOf, parseObject, stringOf, stringsOf } from "../json.ts";

/** Which layer and rule decided; both undefined in a line that stands for many. */
export interface Cause {
  readonly layer: string | undefined;
  readonly rule: string | undefined;
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

export interface Flow {
  readonly transport: string | undefined;
  readonly port: number | undefined;
}

/** Undefined for a line that is no decision, or no JSON. */
export function readSighting(line: string): Sighting | undefined {
  const event = parseObject(line);
  const name = stringOf(event, "target.host");
  switch (stringOf(event, "opensandbox.event") ?? "") {
    case "egress.denied": {
      const cause = { layer: stringOf(event, "layer"), rule: stringOf(event, "rule") };
      const count = numberOf(event, "count") ?? 1;
      if (stringOf(event, "msg")?.startsWith("connection") !== true)
        return { kind: "denied-name", name, cause, count };
      const [address] = stringsOf(event, "target.ips");
      const flow = {
        transport: stringOf(event, "network.transport"),
        port: numberOf(event, "target.port"),
      };
      return { kind: "denied-address", address, flow, host: name, cause, count };
    }
    case "egress.withheld": {
      const cause = { layer: stringOf(event, "layer"), rule: stringOf(event, "rule") };
      const [address] = stringsOf(event, "target.ips");
      const flow = { transport: undefined, port: undefined };
      return {
        kind: "denied-address",
        address,
        flow,
        host: name,
        cause,
        count: numberOf(event, "count") ?? 1,
      };
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
