import type { ClientOptions } from "../../client/client.ts";
import { readSettings } from "../../config.ts";
import { accepted, type Result } from "../../policy/problem.ts";
import type { Place } from "./place.ts";

/**
 * Where the sidecar is: what the command line says, and for the rest the settings of the sidecar itself, which are in the environment
 * of its container. Its unix socket comes first, since it needs no token.
 */
export function findEndpoint(
  place: Place,
  env: Readonly<Record<string, string | undefined>>,
): Result<ClientOptions> {
  const { url, socketPath, token } = place;
  if (socketPath !== undefined) return accepted({ endpoint: { socketPath } });
  if (url !== undefined && token !== undefined) return accepted({ endpoint: { url }, token });
  const settings = readSettings(env);
  if (!settings.ok) return settings;
  const own = settings.value;
  if (url === undefined && own.socketPath !== undefined) {
    return accepted({ endpoint: { socketPath: own.socketPath } });
  }
  return accepted({
    endpoint: { url: url ?? renderUrl(own.httpAddress) },
    token: token ?? own.token,
  });
}

function renderUrl({ host, port }: { readonly host: string | undefined; readonly port: number }): string {
  const name = host ?? "127.0.0.1";
  return `http://${name.includes(":") ? `[${name}]` : name}:${port}`;
}
