/**
 * Says what stands between a run and the machine's resolvers, from what has become of its packets, not from
 * how somebody's rules are written: the machine's conntrack has an entry for what has left it or reached its
 * own sockets, and knows whether anything has come back.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { forEachOpenedFlow } from "../../../netfilter/io/opened-flows.ts";
import { renderAddress } from "../../../policy/address.ts";
import { parseObject, stringOf } from "../json.ts";

export interface WayOutOptions {
  /** Of the run's namespace: 4 or 16 octets each. */
  readonly addresses: readonly Uint8Array[];
  readonly upstreams: readonly string[];
  readonly say: (text: string) => void;
}

export interface WayOut extends Disposable {
  /** Takes a line of the sidecar's log. */
  take(line: string): void;
}

/** With the time after which the sidecar finds no answer, less than two seconds from the lookup on. */
const LATER_MS = 700;

export function watchWayOut({ addresses, upstreams, say }: WayOutOptions): WayOut {
  const over = new AbortController();
  const isOver = (): boolean => over.signal.aborted;

  async function look(): Promise<void> {
    const find = (): Promise<Fate> => findFate(addresses, new Set(upstreams));
    if ((await find()) === "unanswered") await sleep(LATER_MS, undefined, { ref: false });
    const fate = isOver() ? undefined : await find();
    if (fate === undefined || isOver()) return;
    over.abort();
    const from = addresses.map((address) => renderAddress(address)).join(" and ");
    say(`no resolver has answered (asked: ${upstreams.join(", ")}): ${EXPLANATIONS[fate](from)}`);
  }

  return {
    take(line) {
      if (isOver()) return;
      const event = parseObject(line);
      const name = stringOf(event, "opensandbox.event");
      if (name === "egress.unanswered") void look();
      // An upstream has answered.
      else if (name === "egress.outbound" && stringOf(event, "error") === undefined) over.abort();
    },
    [Symbol.dispose]: () => over.abort(),
  };
}

/** What has become of the run's queries; `unknown` where conntrack does not tell. */
type Fate = "dropped" | "unanswered" | "lost" | "unknown";

async function findFate(addresses: readonly Uint8Array[], upstreams: ReadonlySet<string>): Promise<Fate> {
  let fate: Fate = "dropped";
  try {
    await forEachOpenedFlow(({ opener, destination, isAnswered }) => {
      if (!addresses.some((address) => opener.equals(address))) return;
      if (!upstreams.has(renderAddress(destination))) return;
      if (isAnswered) fate = "lost";
      else if (fate === "dropped") fate = "unanswered";
    });
    return fate;
  } catch {
    return "unknown";
  }
}

const EXPLANATIONS: Readonly<Record<Fate, (from: string) => string>> = {
  dropped: (from) =>
    `this machine lets nothing through that comes from ${from}; have its firewall accept that in its forward rules, or in its input rules if this machine is the resolver`,
  unanswered: (from) => `what comes from ${from} leaves this machine, and nothing comes back`,
  lost: (from) =>
    `answers come back to this machine, and do not reach ${from}; have its firewall accept that in its forward rules, and see "ip rule"`,
  unknown: (from) => `a firewall may drop what comes from ${from}, or what goes there`,
};
