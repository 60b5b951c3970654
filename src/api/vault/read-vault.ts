import type { VaultJson } from "../../vault/change/describe-state.ts";
import type { Refusal } from "../refusal.ts";
import { VAULT_PATHS } from "./vault-paths.ts";

type Read = { readonly ok: true; readonly body: object } | { readonly ok: false; readonly refusal: Refusal };

/**
 * What a `GET` of the vault or a part of it gives; `below` is the path behind `/credential-vault`, as it was
 * sent.
 */
export function readVault(vault: VaultJson | undefined, below: string): Read {
  const [, list, name] = VAULT_PATHS.exec(below) ?? [];
  if (vault === undefined) return notFound("vault-not-found", "credential vault not found");
  const { revision, credentials, bindings } = vault;
  if (list === undefined) return { ok: true, body: vault };
  if (name === undefined)
    return { ok: true, body: list === "credentials" ? { revision, credentials } : { revision, bindings } };
  const entries: readonly { readonly name: string }[] = list === "credentials" ? credentials : bindings;
  const found = entries.find((entry) => entry.name === decodeName(name));
  const what = list === "credentials" ? "credential" : "binding";
  return found === undefined ? notFound("not-found", `${what} not found`) : { ok: true, body: found };
}

/** Undefined for what is no percent-encoding: no name is written so. */
function decodeName(text: string): string | undefined {
  try {
    return decodeURIComponent(text).trim();
  } catch {
    return undefined;
  }
}

function notFound(code: "not-found" | "vault-not-found", message: string): Read {
  return { ok: false, refusal: { code, message } };
}
