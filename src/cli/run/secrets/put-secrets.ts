/** Gives the secrets of a run to its sidecar, once that serves. */
import { request } from "node:http";
import { text as readAll } from "node:stream/consumers";
import { SecretsRefusedError } from "../errors.ts";
import { renderVault, type RunBindings } from "./secret-bindings.ts";

/**
 * Settles once they are in force. Throws SecretsRefusedError with the sidecar's words, Node's errors, and the
 * reason of `signal`.
 */
export async function putSecrets(
  socketPath: string,
  bindings: RunBindings,
  signal: AbortSignal,
): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<{ status: number; text: string }>();
  const headers = { "Content-Type": "application/json" };
  const call = request({ socketPath, method: "POST", path: "/credential-vault", headers, signal });
  call.on("error", reject);
  call.on("response", (response) => {
    readAll(response).then((text) => resolve({ status: response.statusCode ?? 0, text }), reject);
  });
  call.end(JSON.stringify(renderVault(bindings)));
  const { status, text } = await promise;
  if (status !== 201) throw new SecretsRefusedError(text.trim());
}
