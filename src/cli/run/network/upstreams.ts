/**
 * Which resolvers the sidecar of a run asks: the machine's, as far as they can be reached from another
 * network namespace.
 */
import { parseResolvConf, RESOLV_CONF } from "../../../config/resolv-conf.ts";
import { accepted, refused, type Result } from "../../../policy/problem.ts";

/** Where systemd-resolved writes the resolvers behind its own stub on 127.0.0.53. */
const BEHIND_THE_STUB = "/run/systemd/resolve/resolv.conf";

/**
 * Addresses in resolv.conf's order, without those of a loopback stub; if that leaves none, those behind
 * systemd's stub. `readText` gives a file's text, `undefined` if there is none. IPv6 ones count only if the
 * run has IPv6.
 */
export function findUpstreams(
  readText: (path: string) => string | undefined,
  ipv6: boolean,
): Result<readonly string[]> {
  for (const path of [RESOLV_CONF, BEHIND_THE_STUB]) {
    const listed = parseResolvConf(readText(path) ?? "").map(({ address }) => address);
    const usable = listed.filter((address) => isElsewhere(address) && (ipv6 || !address.includes(":")));
    if (usable.length > 0) return accepted(usable);
  }
  const reason = "names no resolver that a network namespace of its own can reach";
  return refused(`${reason}; set OPENSANDBOX_EGRESS_DNS_UPSTREAM to the resolvers to ask`, RESOLV_CONF);
}

/** Neither on loopback nor on a link of this namespace's. */
function isElsewhere(address: string): boolean {
  return !address.startsWith("127.") && address !== "::1" && !address.includes("%");
}
