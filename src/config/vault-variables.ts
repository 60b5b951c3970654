import { type Prefix, parsePrefix } from "../policy/prefix.ts";
import { quote } from "../policy/problem.ts";
import { FLAG, flag, list, splitList, Unreadable } from "./readers.ts";
import { lenient, orNone, withDefault } from "./variable.ts";

const SOURCES = ["env", "file", "command"] as const;

type Source = (typeof SOURCES)[number];

/** Who may write credentials, and what. */
export const VAULT_VARIABLES = {
  vaultRequiresTls: withDefault(
    {
      name: "OPENSANDBOX_EGRESS_CREDENTIAL_VAULT_REQUIRE_TLS",
      default: "false",
      meaning:
        "take credentials from the loopback alone, and from trusted proxies that say that they came by TLS",
      accepts: FLAG,
    },
    flag(),
  ),
  vaultTrustedProxies: lenient<readonly Prefix[]>(
    {
      name: "OPENSANDBOX_EGRESS_CREDENTIAL_VAULT_TRUSTED_PROXY_CIDRS",
      meaning: "proxies whose X-Forwarded-Proto is believed if credentials need TLS",
      accepts: "a comma list of addresses and prefixes; what is neither is left out",
    },
    [],
    readProxies,
  ),
  vaultRequiresScopedMatch: withDefault(
    {
      name: "OPENSANDBOX_EGRESS_CREDENTIAL_VAULT_REQUIRE_SCOPED_MATCH",
      default: "false",
      meaning: "a binding must name methods, and paths other than /*",
      accepts: FLAG,
    },
    flag(),
  ),
  vaultSources: orNone(
    {
      name: "OPENSANDBOX_EGRESS_CREDENTIAL_VAULT_SOURCES",
      meaning:
        "where credentials may come from at the word of callers over TCP, besides inline; the unix socket's callers may name all. A command runs as the sidecar does",
      accepts: `a comma list of ${SOURCES.join(", ")}`,
    },
    list(readSource, (source) => source),
  ),
};

function readSource(text: string): Source | Unreadable {
  return SOURCES.find((source) => source === text.toLowerCase()) ?? new Unreadable(`holds ${quote(text)}`);
}

function readProxies(text: string): {
  readonly value: readonly Prefix[];
  readonly passedOver: readonly string[];
} {
  const value: Prefix[] = [];
  const passedOver: string[] = [];
  for (const part of splitList(text)) {
    const prefix = parsePrefix(part);
    if (prefix.ok) value.push(prefix.value);
    else passedOver.push(`holds ${quote(part)}, which is left out`);
  }
  return { value, passedOver };
}
