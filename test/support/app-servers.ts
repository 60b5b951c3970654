/** Servers of several protocols at every address of the lab's internet: see `servers/apps.py`. */
import { execFile } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { type JsonServer, startJsonServer } from "./json-server.ts";
import type { Lab } from "./lab.ts";

const SERVERS = fileURLToPath(new URL("servers/apps.py", import.meta.url));

/** Where each listens; `anything` answers how many octets it was told. */
export const APP_PORTS = { ssh: 22, patientSsh: 2222, postgres: 5432, anything: 7000 } as const;

export async function startAppServers({
  internet,
  stateFolder,
}: Pick<Lab, "internet" | "stateFolder">): Promise<JsonServer> {
  const [key, cert] = [join(stateFolder, "key"), join(stateFolder, "cert")];
  const kind = ["-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
  await promisify(execFile)("openssl", ["req", ...kind, "-subj", "/CN=x", "-keyout", key, "-out", cert]);
  return startJsonServer(internet, ["python3", SERVERS, key, cert]);
}
