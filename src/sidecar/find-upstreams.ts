import type { Settings } from "../config.ts";
import { readResolvConf } from "../config/resolv-conf.ts";
import { type Upstream, upstreamKey } from "../config/upstream.ts";
import { readFoundUpstreams } from "../netfilter/io/read-upstreams.ts";
import type { Result } from "../policy/problem.ts";

/**
 * Upstreams of the settings; without any, those that an earlier process had from resolv.conf, which the
 * kernel keeps; without any, those of resolv.conf. A workload may share that file with us and write it. A
 * restart must not let it choose whom we believe: the file then only gives their order.
 */
export async function findUpstreams(set: Settings["upstreams"]): Promise<Result<readonly Upstream[]>> {
  if (set !== undefined) return { ok: true, value: set };
  const inForce = readFoundUpstreams();
  const written = await readResolvConf();
  if (inForce.length === 0) return written;
  const place = (upstream: Upstream): number =>
    written.ok ? written.value.findIndex((other) => upstreamKey(other) === upstreamKey(upstream)) : -1;
  return { ok: true, value: inForce.toSorted((one, other) => place(one) - place(other)) };
}
