/** `egress vault`: reads and changes the credential vault of a running sidecar. */
import { readFileSync } from "node:fs";
import { ApiError, type EgressClient, type VaultState } from "../../client/client.ts";
import { type Answer, callSidecar, refuseUsage } from "../call/call-sidecar.ts";
import type { CliContext } from "../context.ts";
import { EXIT } from "../exit-codes.ts";
import { VAULT_HELP } from "./help.ts";
import { parseVaultArguments, type VaultCommand } from "./arguments.ts";
import { presentVault } from "./present.ts";

const COMMAND = "egress vault";

/** Makes what the command line asks for; settles with the exit code. */
export async function vault(
  argv: readonly string[],
  context: CliContext,
  readInput = (): string => readFileSync(0, "utf8"),
): Promise<number> {
  const request = parseVaultArguments(argv, readInput);
  if (!request.ok) return refuseUsage(request.problems, COMMAND, context);
  const { value } = request;
  if (value === "help") {
    context.print(VAULT_HELP);
    return EXIT.ok;
  }
  const { place, asJson, call } = value;
  return callSidecar({ command: COMMAND, place, asJson, make: (client) => makeCall(client, call) }, context);
}

async function makeCall(client: EgressClient, call: VaultCommand["call"]): Promise<Answer> {
  switch (call.kind) {
    case "get":
      return show(await client.getVault());
    case "bind":
      return show(await bind(client, call));
    case "unbind":
      return show(await unbind(client, call.name));
    case "delete":
      break;
  }
  await client.deleteVault();
  return { json: {}, text: "the credential vault is deleted\n" };
}

function show(state: VaultState): Answer {
  return { json: state, text: presentVault(state) };
}

/** A credential and a binding of the same name, in the place of those that are there. */
async function bind(
  client: EgressClient,
  { credential, binding }: Extract<VaultCommand["call"], { readonly kind: "bind" }>,
): Promise<VaultState> {
  const before = await findVault(client);
  if (before === undefined) return client.createVault({ credentials: [credential], bindings: [binding] });
  return client.patchVault({
    expectedRevision: before.revision,
    credentials: { [isThere(before.credentials, credential.name) ? "replace" : "add"]: [credential] },
    bindings: { [isThere(before.bindings, binding.name) ? "replace" : "add"]: [binding] },
  });
}

/** The sidecar says so if there is neither. */
async function unbind(client: EgressClient, name: string): Promise<VaultState> {
  const { revision, credentials, bindings } = await client.getVault();
  const isCredential = isThere(credentials, name);
  return client.patchVault({
    expectedRevision: revision,
    ...(isCredential ? { credentials: { delete: [name] } } : {}),
    ...(isThere(bindings, name) || !isCredential ? { bindings: { delete: [name] } } : {}),
  });
}

async function findVault(client: EgressClient): Promise<VaultState | undefined> {
  try {
    return await client.getVault();
  } catch (error) {
    if (error instanceof ApiError && error.code === "vault-not-found") return undefined;
    throw error;
  }
}

function isThere(entries: readonly { readonly name: string }[], name: string): boolean {
  return entries.some((entry) => entry.name === name.trim());
}
