import { isDomainName } from "../policy/domain-name.ts";
import { quote } from "../policy/problem.ts";
import { absolutePath, FLAG, flag, reader, splitList, Unreadable } from "./readers.ts";
import { orNone, withDefault } from "./variable.ts";

/** Always among them. */
const PORTS = [80, 443] as const;
const MAX_PORTS = 15;
/** Lookups, which go to the resolver or nowhere. */
const DNS_PORTS: ReadonlySet<number> = new Set([53, 853]);

/** Whether and how connections to bound hosts are answered here. */
export const INTERCEPTION_VARIABLES = {
  intercepts: withDefault(
    {
      name: "OPENSANDBOX_EGRESS_MITMPROXY_TRANSPARENT",
      default: "false",
      meaning: "answer connections to the hosts that the credential vault binds, and put its credentials in",
      accepts: FLAG,
    },
    flag(),
  ),
  extraPorts: orNone(
    {
      name: "OPENSANDBOX_EGRESS_MITMPROXY_EXTRA_PORTS",
      meaning:
        "TCP ports of bound hosts that are intercepted besides 80 and 443; no credential is put in there",
      accepts: `a comma list of at most ${MAX_PORTS - PORTS.length} ports, not 53 and 853`,
    },
    reader(readPorts),
  ),
  trustsAnyHost: withDefault(
    {
      name: "OPENSANDBOX_EGRESS_MITMPROXY_SSL_INSECURE",
      default: "false",
      meaning: "switches the credential vault off: hosts' certificates are always checked",
      accepts: FLAG,
    },
    flag(),
  ),
  trustFolder: withDefault(
    {
      name: "OPENSANDBOX_EGRESS_MITMPROXY_UPSTREAM_TRUST_DIR",
      default: "/etc/ssl/certs",
      meaning: "folder of the roots that bound hosts' certificates are checked against",
      accepts: "an absolute path",
    },
    absolutePath(),
  ),
  certificateFile: withDefault(
    {
      name: "OPENSANDBOX_EGRESS_CA_FILE",
      default: "/opt/opensandbox/mitmproxy-ca-cert.pem",
      meaning: "file that the sandbox's roots are written to, by which programs trust us for bound hosts",
      accepts: "an absolute path",
    },
    absolutePath(),
  ),
  certificateHosts: withDefault(
    {
      name: "OPENSANDBOX_EGRESS_CA_HOSTS",
      default: "*",
      meaning:
        "hosts that the first root may sign for; one that is bound later and not among them gets a root of its own then",
      accepts: "a comma list of names and wildcards, or * for any host",
    },
    reader(readCertificateHosts),
  ),
  extraTrust: orNone(
    {
      name: "OPENSANDBOX_EGRESS_MITMPROXY_UPSTREAM_EXTRA_CA",
      meaning: "file of more such roots, in PEM",
      accepts: "an absolute path",
    },
    absolutePath(),
  ),
};

/** All ports that are intercepted. */
export function interceptedPorts(extra: readonly number[] | undefined): readonly number[] {
  return [...new Set<number>([...PORTS, ...(extra ?? [])])];
}

function readCertificateHosts(text: string): readonly string[] | Unreadable {
  const hosts = splitList(text).map((host) => host.trim().toLowerCase());
  const strange = hosts.find((host) => host !== "*" && !isDomainName(host.replace(/^\*\./, "")));
  return strange === undefined ? hosts : new Unreadable(`holds ${quote(strange)}, which is no host`);
}

function readPorts(text: string): readonly number[] | Unreadable {
  const ports = new Set<number>();
  for (const part of splitList(text)) {
    const port = readPort(part);
    if (port instanceof Unreadable) return port;
    ports.add(port);
  }
  const isTooMany = interceptedPorts([...ports]).length > MAX_PORTS;
  return isTooMany ? new Unreadable(`makes more than ${MAX_PORTS} ports in all`) : [...ports];
}

function readPort(text: string): number | Unreadable {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (port < 1 || port > 65_535) return new Unreadable("holds what is no port");
  return DNS_PORTS.has(port) ? new Unreadable("holds a port of lookups") : port;
}
