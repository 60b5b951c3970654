/**
 * Proxies that the command's environment names. A program that heeds them asks the proxy and not the host, so
 * a run says what becomes of that: the proxy itself has to be allowed, and names are then the proxy's affair.
 * By its address: what a program asks a proxy shows other names than the proxy's own.
 */
import { oneLine } from "../../../policy/problem.ts";

/** Lower case or upper case, as curl, Go and Python read them. */
const VARIABLES: ReadonlySet<string> = new Set(["http_proxy", "https_proxy", "all_proxy"]);

/** `scheme://user:password@HOST:PORT/`; scheme, user and port may be missing. */
const PROXY = /^(?:[a-z][\w+.-]*:\/\/)?(?:[^/]*@)?(?<host>\[[^\]]+\]|[^:/@\s]+)(?<port>:\d+)?(?:\/|$)/i;
const LOOPBACK = /^(?:localhost|127(?:\.\d+){3}|\[::1\])$/i;

/** One line for each proxy, without its user and password. */
export function describeProxies(env: Readonly<Record<string, string | undefined>>): readonly string[] {
  if ((env["no_proxy"] ?? env["NO_PROXY"])?.trim() === "*") return [];
  const namedBy = new Map<string, string[]>();
  const names = Object.keys(env).filter((name) => VARIABLES.has(name.toLowerCase()));
  for (const name of names.toSorted(byCodeUnits)) {
    const { host, port = "" } = PROXY.exec(env[name]?.trim() ?? "")?.groups ?? {};
    if (host === undefined) continue;
    const place = `${host}${port}`;
    namedBy.set(place, [...(namedBy.get(place) ?? []), name]);
  }
  return [...namedBy].map(([place, by]) => {
    const host = place.replace(/:\d+$/, "");
    const what = LOOPBACK.test(host)
      ? `is the command's own in a run: unset it (env -u ${by.join(" -u ")} egress run ...)`
      : "has to be allowed by its address, and which names are reached through it is for that proxy to say";
    const verb = by.length === 1 ? "names" : "name";
    return oneLine(`${by.join(" and ")} ${verb} a proxy: ${place} ${what}`);
  });
}

function byCodeUnits(one: string, other: string): number {
  return one < other ? -1 : 1;
}
