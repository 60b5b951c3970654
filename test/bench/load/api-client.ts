/** Calls over one kept connection to the sidecar's unix socket, each with its time. */
import { Agent, request } from "node:http";
import type { Sidecar } from "../../support/sidecar.ts";

interface TimedAnswer {
  readonly status: number;
  readonly durationMs: number;
}

export interface ApiClient extends Disposable {
  patch(rules: readonly unknown[]): Promise<TimedAnswer>;
}

const LIMIT_MS = 10_000;

export function createApiClient({ socketPath, token }: Sidecar): ApiClient {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  return {
    patch(rules) {
      const { promise, resolve, reject } = Promise.withResolvers<TimedAnswer>();
      const body = JSON.stringify(rules);
      const startedAt = performance.now();
      const outgoing = request(
        {
          socketPath,
          agent,
          method: "PATCH",
          path: "/policy",
          headers: { "OPENSANDBOX-EGRESS-AUTH": token, "Content-Length": Buffer.byteLength(body) },
          timeout: LIMIT_MS,
        },
        (answer) => {
          answer.resume();
          answer.on("error", reject);
          answer.on("end", () =>
            resolve({ status: answer.statusCode ?? 0, durationMs: performance.now() - startedAt }),
          );
        },
      );
      outgoing.on("timeout", () => outgoing.destroy(new Error("no answer in time")));
      outgoing.on("error", reject);
      outgoing.end(body);
      return promise;
    },
    [Symbol.dispose]: () => agent.destroy(),
  };
}
