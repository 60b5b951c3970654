import type { Result } from "../policy/problem.ts";
import { readRegularFile } from "../sys/regular-file.ts";
import { Unreadable } from "./readers.ts";
import { MAX_UPSTREAMS, parseUpstream, upstreamKey } from "./upstream.ts";
import type { Upstream } from "./upstream.ts";

/** Where the upstreams come from when `OPENSANDBOX_EGRESS_DNS_UPSTREAM` is not set. */
export const RESOLV_CONF = "/etc/resolv.conf";

/**
 * The `nameserver` lines of resolv.conf(5), in order, the first ten, duplicates dropped. A link-local address
 * has its interface behind it (`fe80::1%eth0`). Lines that hold no literal address are left out, as glibc
 * leaves out what it can't read.
 */
export function parseResolvConf(text: string): readonly Upstream[] {
  const found = new Map<string, Upstream>();
  for (const line of text.split(/\r?\n/)) {
    const written = /^nameserver[ \t]+(?<address>[^ \t#;]+)/.exec(line)?.groups?.["address"];
    if (written === undefined || found.size === MAX_UPSTREAMS) continue;
    const upstream = parseUpstream(isBareAddress(written) ? written : "");
    if (!(upstream instanceof Unreadable)) found.set(upstreamKey(upstream), upstream);
  }
  return [...found.values()];
}

/** Reads the machine's own resolvers; a problem when the file can't be read or names none. */
export async function readResolvConf(path = RESOLV_CONF): Promise<Result<readonly Upstream[]>> {
  const remedy = "set OPENSANDBOX_EGRESS_DNS_UPSTREAM to the resolvers to ask";
  const problem = (message: string): Result<readonly Upstream[]> => ({
    ok: false,
    problems: [{ path, message: `${message}; ${remedy}` }],
  });
  try {
    const upstreams = parseResolvConf((await readRegularFile(path)).toString());
    if (upstreams.length > 0) return { ok: true, value: upstreams };
    return problem("names no resolver that can be asked");
  } catch (error) {
    return problem(`cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** resolv.conf has no port syntax: `192.0.2.53:5353` there is not an address. */
function isBareAddress(written: string): boolean {
  return !written.includes("[") && !/^[^:]*:[^:]*$/.test(written);
}
