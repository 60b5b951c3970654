/** A TLS connection to a bound host that the workload keeps, by a client in Python. */
import { fileURLToPath } from "node:url";
import type { Family } from "./families.ts";
import { startJsonServer } from "./json-server.ts";
import type { Lab } from "./lab.ts";
import { until } from "./until.ts";
import { workloadArgv } from "./workload.ts";

const CLIENT = fileURLToPath(new URL("clients/kept_tls.py", import.meta.url));

export interface KeptConnection extends AsyncDisposable {
  /** Asks for the path. Gives the answer's status, or `ended`. */
  ask(path: string): Promise<string>;
}

/** `roots` is a file; without a family the first address of the name is taken. */
export async function keepConnection(
  { sandbox }: Pick<Lab, "sandbox">,
  host: string,
  roots: string,
  family?: Family["name"],
): Promise<KeptConnection> {
  const ofFamily = family === undefined ? [] : [family];
  const client = await startJsonServer(sandbox, workloadArgv(["python3", CLIENT, host, roots, ...ofFamily]));
  return {
    async ask(path) {
      const before = client.lines.length;
      client.process.stdin.write(`${path}\n`);
      const line = await until(`${path} is told`, () => client.lines[before]);
      return String(line["status"]);
    },
    [Symbol.asyncDispose]: () => client[Symbol.asyncDispose](),
  };
}
