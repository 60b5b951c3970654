import { parseAddress, renderAddress } from "../policy/address.ts";
import { isDomainName } from "../policy/domain-name.ts";
import type { Problem } from "../policy/problem.ts";
import { INTERCEPTION_VARIABLES } from "./interception-variables.ts";
import { reader, Unreadable } from "./readers.ts";
import { orNone } from "./variable.ts";

/** Where an upstream proxy is, without what it is told of us. */
export interface ProxyPlace {
  /** Whether it is spoken to over TLS. */
  readonly isSecure: boolean;
  /** A name, or an address; an IPv6 address without brackets. */
  readonly host: string;
  readonly port: number;
}

/** By which proxy everything leaves. */
export const PROXY_VARIABLES = {
  upstreamProxy: orNone(
    {
      name: "OPENSANDBOX_EGRESS_UPSTREAM_PROXY",
      meaning:
        "proxy that all TCP of the sandbox leaves by, with CONNECT; nothing leaves by another way. Needs OPENSANDBOX_EGRESS_MITMPROXY_TRANSPARENT and mode dns+nft",
      accepts: "http://HOST, https://HOST, with or without :PORT",
      // Who writes credentials into it must not find them in a log.
      secret: true,
    },
    reader(readPlace),
  ),
  upstreamProxyAuth: orNone(
    {
      name: "OPENSANDBOX_EGRESS_UPSTREAM_PROXY_AUTH",
      meaning: "what that proxy is sent as Proxy-Authorization",
      accepts: "a scheme and its credentials, such as Basic and user:password in base64",
      secret: true,
    },
    reader(readAuthorization),
  ),
};

/** Port 53 of any host is led to the resolver. */
const DNS_PORT = 53;
const MAX_AUTHORIZATION = 8192;

function readPlace(text: string): ProxyPlace | Unreadable {
  const url = URL.parse(text);
  if (url === null) return new Unreadable("is not a URL");
  const isSecure = url.protocol === "https:";
  if (!isSecure && url.protocol !== "http:") return new Unreadable("is not an http(s) URL");
  if (url.username !== "" || url.password !== "") {
    return new Unreadable(`holds credentials, which belong into ${PROXY_VARIABLES.upstreamProxyAuth.name}`);
  }
  if (url.pathname !== "/" || url.search !== "" || url.hash !== "") {
    return new Unreadable("holds more than a host and a port");
  }
  const port = url.port === "" ? (isSecure ? 443 : 80) : Number(url.port);
  if (port < 1 || port === DNS_PORT) return new Unreadable("has a port that no proxy can be reached at");
  const host = readHost(url.hostname);
  return host instanceof Unreadable ? host : { isSecure, host, port };
}

/** A proxy in the sandbox's own network would be in the sandbox's hands, and its traffic is the sandbox's. */
function readHost(hostname: string): string | Unreadable {
  const bare = hostname.replace(/^\[(.*)\]$/, "$1");
  const literal = parseAddress(bare);
  const host = literal.ok ? renderAddress(literal.value.octets) : bare.replace(/\.$/, "");
  if (/^(?:127\.|0\.|::1?$)/.test(host) || /^(?:.*\.)?localhost$/.test(host)) {
    return new Unreadable("is in the sandbox itself: a proxy has to be elsewhere");
  }
  return literal.ok || isDomainName(host) ? host : new Unreadable("names no host");
}

function readAuthorization(text: string): string | Unreadable {
  if (text.length > MAX_AUTHORIZATION) return new Unreadable(`is longer than ${MAX_AUTHORIZATION} octets`);
  const isCredentials = /^[!#$%&'*+.^_`|~\w-]+ +[\x21-\x7e][\x20-\x7e]*$/.test(text);
  return isCredentials ? text : new Unreadable("is not a scheme and its credentials");
}

interface ProxySettings {
  readonly upstreamProxy: ProxyPlace | undefined;
  readonly upstreamProxyAuth: string | undefined;
  readonly intercepts: boolean;
  readonly mode: string;
}

/** What keeps the proxy from being all that there is; without it nothing may leave. */
export function findProxyProblems(settings: ProxySettings): readonly Problem[] {
  const { upstreamProxy, upstreamProxyAuth } = PROXY_VARIABLES;
  if (settings.upstreamProxy === undefined) {
    if (settings.upstreamProxyAuth === undefined) return [];
    return [{ path: upstreamProxyAuth.name, message: `needs ${upstreamProxy.name}, which is not set` }];
  }
  const problems: Problem[] = [];
  const { intercepts } = INTERCEPTION_VARIABLES;
  if (!settings.intercepts) {
    problems.push({ path: upstreamProxy.name, message: `needs ${intercepts.name}=true` });
  }
  if (settings.mode === "dns") {
    problems.push({ path: upstreamProxy.name, message: "needs OPENSANDBOX_EGRESS_MODE=dns+nft" });
  }
  return problems;
}
