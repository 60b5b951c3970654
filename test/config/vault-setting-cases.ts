import { parsePrefix } from "../../src/policy/prefix.ts";
import { valueOf } from "../support/policy.ts";
import type { SettingCase } from "./setting-case.ts";

/** Texts of the variables that say who may write credentials, and what. */
export const VAULT_CASES: readonly SettingCase[] = [
  {
    name: "OPENSANDBOX_EGRESS_CREDENTIAL_VAULT_REQUIRE_TLS",
    accepted: [
      ["on", { vaultRequiresTls: true }],
      [" Y ", { vaultRequiresTls: true }],
      ["", { vaultRequiresTls: false }],
    ],
    refused: ["tls"],
  },
  {
    name: "OPENSANDBOX_EGRESS_CREDENTIAL_VAULT_TRUSTED_PROXY_CIDRS",
    accepted: [
      [
        "192.0.2.7, 2001:db8::/32,",
        { vaultTrustedProxies: ["192.0.2.7", "2001:db8::/32"].map((text) => valueOf(parsePrefix(text))) },
      ],
      ["", { vaultTrustedProxies: [] }],
    ],
    warned: [
      ["proxy.example.org,192.0.2.0/24", { vaultTrustedProxies: [valueOf(parsePrefix("192.0.2.0/24"))] }],
    ],
    refused: [],
  },
  {
    name: "OPENSANDBOX_EGRESS_CREDENTIAL_VAULT_REQUIRE_SCOPED_MATCH",
    accepted: [["1", { vaultRequiresScopedMatch: true }]],
    refused: ["scoped"],
  },
  {
    name: "OPENSANDBOX_EGRESS_CREDENTIAL_VAULT_SOURCES",
    accepted: [
      ["file, Command", { vaultSources: ["file", "command"] }],
      ["", { vaultSources: undefined }],
    ],
    refused: ["inline", "http", ","],
  },
];
