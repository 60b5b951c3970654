/** The API with a vault whose interception is ready, over a fake kernel; sources are read for real. */
import type { VaultSettings } from "../../../src/api/vault/vault-parts.ts";
import type { PolicyControl } from "../../../src/enforcement/change/policy-control.ts";
import { runInSlices } from "../../../src/sys/in-slices.ts";
import { createSourceLoader, type LoadSource } from "../../../src/vault/io/load-source.ts";
import { openVault } from "../../../src/vault/io/open-vault.ts";
import type { VaultReadiness } from "../../../src/vault/readiness.ts";
import type { Vault } from "../../../src/vault/vault.ts";
import type { VaultChange, VaultFault } from "../../../src/vault/vault-control.ts";
import { denyByDefault } from "../../support/policy.ts";
import { type Answer, type ApiServer, type ApiServerOptions, startApi } from "../api-server.ts";

export const TOKEN = "t0ken";
export const VALUE = "s3cr3t-of-the-test";

/** Two credentials of the value, and a binding of each. */
export const REQUEST = {
  credentials: [
    { name: "gh", source: { type: "inline", value: VALUE } },
    { name: "a b/c", source: { value: `other-${VALUE}` } },
  ],
  bindings: [
    {
      name: "gh-api",
      match: { hosts: ["API.example.org"], methods: ["GET"], paths: ["/repos/*"] },
      auth: { type: "bearer", credential: "gh" },
    },
    {
      name: "below",
      match: { hosts: ["*.example.org"] },
      auth: {
        type: "apiKey",
        name: "PRIVATE-TOKEN",
        credential: "a b/c",
        substitutions: [{ credential: "gh", placeholder: `__${VALUE}__`, in: ["header"] }],
      },
    },
  ],
};

const READY: VaultReadiness = {
  isTransparent: true,
  isInsecure: false,
  isKernelEnforced: true,
  isProxyReady: async () => true,
};

export interface VaultApi extends AsyncDisposable {
  readonly api: ApiServer;
  readonly vault: Vault;
  readonly events: (VaultChange | VaultFault)[];
  /** With the token; a body is sent as JSON. */
  call(method: string, below: string, body?: unknown): Promise<Answer>;
}

export interface VaultApiOptions extends ApiServerOptions {
  readonly settings?: Partial<VaultSettings>;
  readonly readiness?: Partial<VaultReadiness>;
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Default: sources are read where they are. */
  readonly load?: LoadSource;
}

export async function startVaultApi(options: VaultApiOptions = {}): Promise<VaultApi> {
  const { settings, readiness, env = { PATH: process.env["PATH"] }, load, ...rest } = options;
  const events: (VaultChange | VaultFault)[] = [];
  const keep = (event: VaultChange | VaultFault): void => void events.push(event);
  const opened = openVault({
    load: load ?? createSourceLoader({ env }),
    audit: { vaultChanged: keep, vaultFault: keep },
    takeSteps: runInSlices,
    nowMs: () => performance.now(),
    guardMemory: () => undefined,
  });
  // The policy's changes ask the vault, and the vault writes in their queue.
  let control: PolicyControl | undefined;
  const api = await startApi({
    policy: denyByDefault("allow *.example.org"),
    auth: { token: TOKEN, allowLocalWrites: false },
    ...rest,
    coupling: opened.coupling,
    vault: {
      control: opened.control({
        async exclusively(task) {
          if (control === undefined) throw new TypeError("called too early");
          return control.exclusively(task);
        },
      }),
      readiness: { ...READY, ...readiness },
      settings: {
        requireTls: false,
        trustedProxies: [],
        requireScopedMatch: false,
        sources: [],
        ...settings,
      },
    },
  });
  control = api.world.changes;
  return {
    api,
    vault: opened.vault,
    events,
    call: (method, below, body) =>
      api.call(method, `/credential-vault${below}`, {
        headers: { "OPENSANDBOX-EGRESS-AUTH": TOKEN },
        ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
      }),
    async [Symbol.asyncDispose]() {
      opened.close();
      await api[Symbol.asyncDispose]();
    },
  };
}
