import type { ClientOptions } from "../../client/client.ts";
import { readEverySetting } from "../../config.ts";
import { VARIABLES } from "../../config/variables.ts";
import { accepted, refusedAll, type Result } from "../../policy/problem.ts";
import type { Place } from "./place.ts";
import { findRunSocket, findRunsPlace } from "./running-runs.ts";

/**
 * Where the sidecar is: what the command line says, and for the rest the settings of the sidecar itself,
 * which are in the environment of its container. Its unix socket comes first, since it needs no token.
 */
export function findEndpoint(
  place: Place,
  env: Readonly<Record<string, string | undefined>>,
): Result<ClientOptions> {
  const { url, socketPath, token, isRun } = place;
  if (isRun) {
    const socket = findRunSocket(findRunsPlace(env));
    return socket.ok ? accepted({ endpoint: { socketPath: socket.value } }) : socket;
  }
  if (socketPath !== undefined) return accepted({ endpoint: { socketPath } });
  if (url !== undefined && token !== undefined) return accepted({ endpoint: { url }, token });
  const { settings: own, problems } = readEverySetting(env);
  // The sidecar is there, and says what it cannot read; only where it is must be known.
  const unknown = problems.filter(({ path }) => ADDRESSES.has(path));
  if (unknown.length > 0) return refusedAll(unknown);
  if (url === undefined && own.socketPath !== undefined) {
    return accepted({ endpoint: { socketPath: own.socketPath } });
  }
  return accepted({
    endpoint: { url: url ?? renderUrl(own.httpAddress) },
    token: token ?? own.token,
  });
}

const ADDRESSES: ReadonlySet<string> = new Set(
  [VARIABLES.httpAddress, VARIABLES.socketPath, VARIABLES.token].map(({ name }) => name),
);

function renderUrl({ host, port }: { readonly host: string | undefined; readonly port: number }): string {
  const name = host ?? "127.0.0.1";
  return `http://${name.includes(":") ? `[${name}]` : name}:${port}`;
}
