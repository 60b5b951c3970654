import { RrType } from "../dns/wire/constants.ts";
import { type DomainName, parseDomainName } from "../policy/domain-name.ts";
import { parseAddress, renderAddress } from "../policy/address.ts";
import { OutboundError } from "./errors.ts";
import type { AddressType, HostAnswer } from "./host-message.ts";

/** Asks the upstreams; undefined when none gave an answer. */
export type AskUpstreams = (host: DomainName, type: AddressType) => Promise<HostAnswer | undefined>;

export interface HostResolver {
  /** Known from the start, and for good. */
  readonly fixed: readonly string[] | undefined;
  /**
   * The host's addresses, those of IPv4 first: a broken IPv6 often fails in silence. Throws OutboundError.
   */
  resolve(): Promise<readonly string[]>;
}

/** An answer serves for its TTL, within these bounds. */
const MIN_TTL_SECONDS = 5;
const MAX_TTL_SECONDS = 300;
/** Of a host with more addresses, those at the head of the answer. */
const MAX_ADDRESSES = 4;

/**
 * Makes the resolver of a URL's host. A literal address is its own answer and `localhost` this namespace's;
 * every other name is asked of the upstreams as it stands. The policy has no say. Once a name has had
 * addresses, they serve until there are others: a collector is not lost because the resolver is. Throws
 * OutboundError `bad-host` for a name that cannot be asked for.
 *
 *  /etc/hosts is not read: a container engine gives a workload that joins our network the same file, to
 *  write. Nor is a search list.
 */
export function createHostResolver(
  hostname: string,
  ask: AskUpstreams,
  nowMs: () => number = () => performance.now(),
): HostResolver {
  const fixed = readFixed(hostname);
  if (fixed !== undefined) return { fixed, resolve: async () => fixed };
  const name = parseDomainName(hostname);
  if (!name.ok || name.value === "")
    throw new OutboundError("bad-host", `${hostname} is not the name of a host`);
  const host = name.value;
  let known: readonly string[] = [];
  let untilMs = -Infinity;
  let asking: Promise<readonly string[]> | undefined;

  /** All who come while it is asked for wait for the same answer. */
  async function resolve(): Promise<readonly string[]> {
    if (nowMs() < untilMs) return known;
    asking ??= askAnew().finally(() => (asking = undefined));
    return asking;
  }

  async function askAnew(): Promise<readonly string[]> {
    const answers = await Promise.all([ask(host, RrType.a), ask(host, RrType.aaaa)]);
    const given = answers.filter((answer) => answer !== undefined && answer.addresses.length > 0);
    const found = given.flatMap((answer) => answer?.addresses.slice(0, MAX_ADDRESSES) ?? []);
    if (found.length > 0) {
      const ttl = Math.min(...given.map((answer) => answer?.ttlSeconds ?? 0));
      untilMs = nowMs() + 1000 * Math.min(Math.max(ttl, MIN_TTL_SECONDS), MAX_TTL_SECONDS);
      known = found;
    } else if (known.length > 0) {
      untilMs = nowMs() + 1000 * MIN_TTL_SECONDS;
    }
    if (known.length === 0) throw new OutboundError("name-not-found", `${host} has no address`);
    return known;
  }
  return { fixed: undefined, resolve };
}

/** Addresses that need no asking; a URL has IPv6 in brackets. */
function readFixed(hostname: string): readonly string[] | undefined {
  if (hostname === "localhost") return ["127.0.0.1", "::1"];
  const literal = parseAddress(hostname.replace(/^\[(.*)\]$/, "$1"));
  return literal.ok ? [renderAddress(literal.value.octets)] : undefined;
}
