import { listProtectionNames } from "../protections/protection.ts";
import { parseHttpAddress } from "./http-address.ts";
import {
  listPolicyWarnings,
  readLogOutput,
  readMode,
  readPolicy,
  readPrefix,
  readProbeName,
  readProtectionName,
  readSocketPath,
  readToken,
} from "./read-values.ts";
import { type LogLevel, readLogLevel, readSeconds } from "./lenient-readers.ts";
import { FLAG, Unreadable, absolutePath, flag, integer, list, reader, word } from "./readers.ts";
import { INTERCEPTION_VARIABLES } from "./interception-variables.ts";
import { OBSERVABILITY_VARIABLES } from "./observability-variables.ts";
import { PROXY_VARIABLES } from "./proxy-variables.ts";
import { MAX_UPSTREAMS, parseLiteralAddress, parseUpstream, upstreamKey } from "./upstream.ts";
import { VAULT_VARIABLES } from "./vault-variables.ts";
import { lenient, orNone, telling, verbatim, withDefault } from "./variable.ts";

/**
 * Every environment variable that the program reads, by the name that the settings have in code. The table of
 * docs/settings.md is checked against this one.
 */
export const VARIABLES = {
  mode: withDefault(
    {
      name: "OPENSANDBOX_EGRESS_MODE",
      default: "dns+nft",
      meaning: "what is enforced: lookups alone, or lookups and connections",
      accepts: "tokens dns and nft joined by +, dns among them",
    },
    reader(readMode),
  ),
  rules: telling(
    withDefault(
      {
        name: "OPENSANDBOX_EGRESS_RULES",
        default: "{}",
        meaning: "initial policy, the JSON of POST /policy; unset denies everything",
        accepts: 'JSON such as {"defaultAction":"deny","egress":[{"action":"allow","target":"example.org"}]}',
      },
      reader(readPolicy),
    ),
    listPolicyWarnings,
  ),
  policyFile: orNone(
    {
      name: "OPENSANDBOX_EGRESS_POLICY_FILE",
      meaning: "where the policy is kept; wins over OPENSANDBOX_EGRESS_RULES when it exists and parses",
      accepts: "an absolute path",
    },
    absolutePath(),
  ),
  httpAddress: withDefault(
    {
      name: "OPENSANDBOX_EGRESS_HTTP_ADDR",
      default: ":18080",
      meaning:
        "where callers find the API (it listens elsewhere, and the kernel redirects); without a host on every address",
      accepts: ":PORT, IPV4:PORT, [IPV6]:PORT, localhost:PORT; not the resolver's ports, 53 and 15353",
    },
    reader((text) => parseHttpAddress(text) ?? new Unreadable("is not an address to listen on")),
  ),
  socketPath: verbatim(
    {
      name: "OPENSANDBOX_EGRESS_SOCKET",
      default: "/run/opensandbox/egress.sock",
      meaning: "unix socket of the API, mode 0600, for operators beside the sidecar; empty switches it off",
      accepts: "an absolute path of at most 107 bytes, or nothing",
    },
    "/run/opensandbox/egress.sock",
    reader(readSocketPath),
  ),
  token: verbatim(
    {
      name: "OPENSANDBOX_EGRESS_TOKEN",
      default: "none",
      meaning: "what callers of the API send as OPENSANDBOX-EGRESS-AUTH; empty means none",
      accepts: "text without control characters and without blanks at its ends",
      secret: true,
    },
    "",
    reader(readToken),
  ),
  allowLocalWrites: withDefault(
    {
      name: "OPENSANDBOX_EGRESS_ALLOW_LOCAL_WRITES",
      default: "false",
      meaning: "without a token, let processes of the sandbox itself change the policy",
      accepts: FLAG,
    },
    flag(),
  ),
  signedWrites: withDefault(
    {
      name: "OPENSANDBOX_EGRESS_SIGNED_WRITES",
      default: "false",
      meaning:
        "changes of the policy must be signed with the token, which itself never crosses the wire then",
      accepts: FLAG,
    },
    flag(),
  ),
  auditMode: withDefault(
    {
      name: "OPENSANDBOX_EGRESS_AUDIT",
      default: "false",
      meaning:
        "start in audit mode: only `deny.always` and the protections block, and what the policy would deny is reported",
      accepts: FLAG,
    },
    flag(),
  ),
  maxRules: withDefault(
    {
      name: "OPENSANDBOX_EGRESS_MAX_RULES",
      default: "4096",
      meaning: "most rules a policy may hold; 0 is no cap",
      accepts: "a whole number from 0",
    },
    integer(0, Number.MAX_SAFE_INTEGER),
  ),
  logLevel: lenient<LogLevel>(
    {
      name: "OPENSANDBOX_EGRESS_LOG_LEVEL",
      default: "info",
      meaning: "least level that is logged: debug, info, warn or warning, error or fatal",
      accepts: "debug, info, warn, warning, error, fatal",
    },
    "info",
    readLogLevel,
  ),
  logOutputs: withDefault(
    {
      name: "OPENSANDBOX_LOG_OUTPUT",
      default: "stdout",
      meaning: "where log lines go",
      accepts: "a comma list of stdout, stderr, absolute file paths",
    },
    list(readLogOutput, (output) => output),
  ),
  upstreams: orNone(
    {
      name: "OPENSANDBOX_EGRESS_DNS_UPSTREAM",
      default: "resolv.conf",
      meaning: "resolvers to ask; the first 10, duplicates dropped",
      accepts: "a comma list of literal addresses: IP, IP:PORT, [IPV6]:PORT, fe80::1%eth0",
    },
    list(parseUpstream, upstreamKey, MAX_UPSTREAMS),
  ),
  upstreamTimeoutSeconds: lenient(
    {
      name: "OPENSANDBOX_EGRESS_DNS_UPSTREAM_TIMEOUT",
      default: "5",
      meaning: "seconds for a whole lookup, 1 to 120; a larger number is 120, anything else 5",
      accepts: "a whole number from 1 to 120",
    },
    5,
    (text) => readSeconds(text, { largest: 120, fallback: 5 }),
  ),
  probeName: withDefault(
    {
      name: "OPENSANDBOX_EGRESS_DNS_UPSTREAM_PROBE",
      default: ".",
      meaning: "name asked (A; NS for the root) to see whether an upstream lives",
      accepts: "a host name, or . for the root",
    },
    reader(readProbeName),
  ),
  probeIntervalSeconds: withDefault(
    {
      name: "OPENSANDBOX_EGRESS_DNS_UPSTREAM_PROBE_INTERVAL_SEC",
      default: "30",
      meaning: "seconds between two probes of an upstream",
      accepts: "a whole number from 1 to 3600",
    },
    integer(1, 3600),
  ),
  exemptNameservers: orNone(
    {
      name: "OPENSANDBOX_EGRESS_NAMESERVER_EXEMPT",
      meaning: "resolvers that the workload may ask directly on port 53",
      accepts: "a comma list of literal addresses",
    },
    list(parseLiteralAddress, (address) => address),
  ),
  wireNames: withDefault(
    {
      name: "OPENSANDBOX_EGRESS_WIRE_NAMES",
      default: "known",
      meaning:
        "judge connections to the addresses of names by the name they show in TLS or HTTP, too; strict refuses what shows none",
      accepts: "off, known, strict",
    },
    word(["off", "known", "strict"]),
  ),
  blockDoh: withDefault(
    {
      name: "OPENSANDBOX_EGRESS_BLOCK_DOH_443",
      default: "false",
      meaning: "refuse port 443, TCP and UDP, of the DoH resolvers listed or, without a list, shipped",
      accepts: FLAG,
    },
    flag(),
  ),
  dohBlocklist: orNone(
    {
      name: "OPENSANDBOX_EGRESS_DOH_BLOCKLIST",
      meaning: "addresses and prefixes whose port 443 is refused",
      accepts: "a comma list of addresses and prefixes",
    },
    list(readPrefix, (prefix) => prefix),
  ),
  inboundUdp: withDefault(
    {
      name: "OPENSANDBOX_EGRESS_INBOUND_UDP",
      default: "false",
      meaning: "UDP from outside may open a flow",
      accepts: FLAG,
    },
    flag(),
  ),
  graceSeconds: withDefault(
    {
      name: "OPENSANDBOX_EGRESS_LEARNED_GRACE",
      default: "600",
      meaning: "seconds that an address stays open after the last connection that used it",
      accepts: "a whole number from 0 to 86400",
    },
    integer(0, 86_400),
  ),
  privateAnswers: withDefault(
    {
      name: "OPENSANDBOX_EGRESS_PRIVATE_ANSWERS",
      default: "allow",
      meaning: "deny takes private addresses out of answers unless an address rule allows them",
      accepts: "allow, deny",
    },
    word(["allow", "deny"]),
  ),
  namesPerMinute: withDefault(
    {
      name: "OPENSANDBOX_EGRESS_WILDCARD_NAMES_PER_MINUTE",
      default: "600",
      meaning: "new names below one allowed wildcard that upstreams are asked for in a minute; 0 is no bound",
      accepts: "a whole number from 0 to 4294967295",
    },
    integer(0, 2 ** 32 - 1),
  ),
  lookupsPerMinute: withDefault(
    {
      name: "OPENSANDBOX_EGRESS_WILDCARD_LOOKUPS_PER_MINUTE",
      default: "6000",
      meaning: "lookups below one allowed wildcard that upstreams are asked for in a minute; 0 is no bound",
      accepts: "a whole number from 0 to 4294967295",
    },
    integer(0, 2 ** 32 - 1),
  ),
  ...OBSERVABILITY_VARIABLES,
  ...INTERCEPTION_VARIABLES,
  ...PROXY_VARIABLES,
  ...VAULT_VARIABLES,
  rulesDirectory: withDefault(
    {
      name: "OPENSANDBOX_EGRESS_RULES_DIR",
      default: "/var/egress/rules",
      meaning: "folder of deny.always, allow.always and log_skip.always",
      accepts: "an absolute path",
    },
    absolutePath(),
  ),
  requiredProtections: orNone(
    {
      name: "OPENSANDBOX_EGRESS_REQUIRE",
      meaning: "protections without which the start ends with exit code 78",
      accepts: `a comma list of ${listProtectionNames().join(", ")}`,
    },
    list(readProtectionName, (name) => name),
  ),
  allowHostNetns: withDefault(
    {
      name: "OPENSANDBOX_EGRESS_ALLOW_HOST_NETNS",
      default: "false",
      meaning: "start even in the host's own network namespace",
      accepts: FLAG,
    },
    flag(),
  ),
};
