import type { Operation } from "./operation.ts";

const READ = {
  method: "get",
  isGuarded: true,
  isChange: false,
  refusals: ["unauthorized", "vault-not-found", "internal-error"],
} as const;

const ONE = { ...READ, parameters: ["entryName"], refusals: ["not-found", ...READ.refusals] } as const;

const WRITE = {
  path: "/credential-vault",
  isGuarded: true,
  isChange: false,
} as const;

const WRITE_REFUSALS = [
  "bad-request",
  "invalid-query",
  "unauthorized",
  "body-timeout",
  "vault-unavailable",
  "body-too-large",
  "insecure-transport",
  "internal-error",
  "too-many-bodies",
  "closed",
] as const;

/** The calls of the credential vault. */
export const VAULT_OPERATIONS: readonly Operation[] = [
  {
    ...READ,
    path: "/credential-vault",
    id: "getVault",
    summary: "Shows the credential vault, without a value",
    gives: { schema: "Vault" },
  },
  {
    ...WRITE,
    method: "post",
    id: "createVault",
    summary: "Makes the credential vault",
    description: "It lives in memory alone. Every host of a binding has to be allowed by the policy.",
    takes: { schema: "VaultRequest" },
    gives: { schema: "Vault", status: 201 },
    refusals: ["invalid-vault", "vault-exists", ...WRITE_REFUSALS],
  },
  {
    ...WRITE,
    method: "patch",
    id: "patchVault",
    summary: "Changes the credential vault: all that is asked for, or nothing",
    takes: { schema: "VaultMutation" },
    gives: { schema: "Vault" },
    refusals: ["invalid-vault", "vault-not-found", "vault-revision", ...WRITE_REFUSALS],
  },
  {
    ...WRITE,
    method: "delete",
    id: "deleteVault",
    summary: "Deletes the credential vault with all that it holds",
    gives: { nothing: "Deleted." },
    refusals: ["vault-not-found", ...WRITE_REFUSALS],
  },
  {
    ...READ,
    path: "/credential-vault/credentials",
    id: "getCredentials",
    summary: "Lists the credentials, without their values",
    gives: { schema: "Credentials" },
  },
  {
    ...ONE,
    path: "/credential-vault/credentials/{name}",
    id: "getCredential",
    summary: "Shows one credential, without its value",
    gives: { schema: "Credential" },
  },
  {
    ...READ,
    path: "/credential-vault/bindings",
    id: "getBindings",
    summary: "Lists the bindings",
    gives: { schema: "Bindings" },
  },
  {
    ...ONE,
    path: "/credential-vault/bindings/{name}",
    id: "getBinding",
    summary: "Shows one binding",
    gives: { schema: "Binding" },
  },
];
