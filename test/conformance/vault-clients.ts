/** The vault's calls, by each of the published SDKs. */
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { Sandbox, SandboxApiException } from "@alibaba-group/opensandbox";
import { type RunningCommand, startCommand } from "../../src/netns/command.ts";
import { SANDBOX_ID } from "../support/lifecycle.ts";
import { PYTHON_WITH_SDK } from "../support/python-sdk.ts";

/** What a call came to, as JSON: a value, or what the SDK raised. */
export type Called =
  | { readonly value: unknown }
  | { readonly status: number | undefined; readonly body: string };

export type Method =
  | "create"
  | "get"
  | "patch"
  | "delete"
  | "listCredentials"
  | "getCredential"
  | "listBindings"
  | "getBinding";

export interface VaultClient extends AsyncDisposable {
  call(method: Method, argument?: object | string): Promise<Called>;
}

/** A row of a table of clients. */
export type Language = readonly [
  name: string,
  open: (lifecycle: string) => Promise<VaultClient>,
  whatIsMissing: () => string | undefined,
];

export async function openJavaScript(lifecycle: string): Promise<VaultClient> {
  const connectionConfig = { domain: `http://${lifecycle}`, apiKey: "key", endpointCacheDisabled: true };
  const sandbox = await Sandbox.connect({ sandboxId: SANDBOX_ID, skipHealthCheck: true, connectionConfig });
  return {
    async call(method, argument) {
      const { credentialVault } = sandbox;
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- one signature for eight calls
      const calls = credentialVault as unknown as Record<Method, (argument: unknown) => Promise<unknown>>;
      try {
        const value: unknown = await calls[method](argument);
        return { value: value ?? null };
      } catch (error) {
        if (!(error instanceof SandboxApiException)) throw error;
        return { status: error.statusCode, body: String(error.rawBody) };
      }
    },
    [Symbol.asyncDispose]: () => sandbox.close(),
  };
}

export async function openPython(lifecycle: string): Promise<VaultClient> {
  const script = fileURLToPath(new URL("python/vault.py", import.meta.url));
  const child = startCommand([PYTHON_WITH_SDK, script, lifecycle, SANDBOX_ID]);
  let said = "";
  child.stderr.on("data", (chunk: Buffer) => (said += chunk.toString()));
  const lines = createInterface({ input: child.stdout });
  return {
    async call(method, argument) {
      const answered = Promise.race([once(lines, "line"), endOf(child, () => said)]);
      child.stdin.write(`${JSON.stringify(inPython(method, argument))}\n`);
      const [line] = await answered;
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- our own script's words
      return JSON.parse(String(line)) as Called;
    },
    async [Symbol.asyncDispose]() {
      child.stdin.end();
      await child.end;
    },
  };
}

async function endOf(child: RunningCommand, said: () => string): Promise<never> {
  await child.end;
  throw new Error(`the Python SDK has ended: ${said()}`);
}

function inPython(method: Method, argument: object | string | undefined): readonly unknown[] {
  const name = method.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  if (method !== "create") return argument === undefined ? [name] : [name, argument];
  const { credentials, bindings } = { credentials: [], bindings: [], ...Object(argument) };
  return [name, credentials, bindings];
}
