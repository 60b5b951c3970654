/** What of the machine's network a run gets: whether IPv6, and which resolvers its sidecar asks. */
import { existsSync, readFileSync } from "node:fs";
import type { Settings } from "../../config.ts";
import { accepted, type Result } from "../../policy/problem.ts";
import type { Inside } from "./rootless/inside.ts";
import { machineRoutesIpv6 } from "./network/run-network.ts";
import { findUpstreams } from "./network/upstreams.ts";

export interface Way {
  readonly ipv6: boolean;
  /** Addresses. */
  readonly upstreams: readonly string[];
}

/** Joins the machine's network if the run is without root. Throws NetworkSetupError. */
export function findWay(inside: Inside | undefined, settings: Settings): Result<Way> {
  inside?.join();
  const ipv6 = machineRoutesIpv6();
  const upstreams = chooseUpstreams(settings, ipv6);
  if (!upstreams.ok) return upstreams;
  inside?.close(upstreams.value);
  return accepted({ ipv6, upstreams: upstreams.value });
}

/** The resolvers of the settings; without these the machine's. */
function chooseUpstreams({ upstreams: given }: Settings, ipv6: boolean): Result<readonly string[]> {
  if (given !== undefined) return accepted(given.map(({ address }) => address));
  return findUpstreams((path) => (existsSync(path) ? readFileSync(path, "utf8") : undefined), ipv6);
}
