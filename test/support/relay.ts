/** Lets this process call the sidecar over TCP as if it were in one of the lab's namespaces. */
import { once } from "node:events";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Argv } from "../../src/netns/command.ts";
import { startJsonServer } from "./json-server.ts";
import type { Lab } from "./lab.ts";
import { workloadArgv } from "./workload.ts";

export interface Relay extends AsyncDisposable {
  /** Every connection to this unix socket becomes a TCP connection to the API, made in the namespace. */
  readonly socketPath: string;
  /** Opens a TCP port of this machine's loopback that does the same, for clients that know only URLs. */
  openPort(): Promise<number>;
}

export interface RelayOptions {
  /** Who seems to call: a host outside, or a process of the sandbox. */
  readonly from: "outside" | "workload";
  /** The address that is called. */
  readonly to: string;
}

const PROGRAM = fileURLToPath(new URL("servers/relay.mjs", import.meta.url));
const API_PORT = 18_080;

export async function startRelay(lab: Lab, { from, to }: RelayOptions): Promise<Relay> {
  const socketPath = join(lab.stateFolder, `relay-${from}-${to.replaceAll(/\W/g, "-")}.sock`);
  const argv: Argv = [process.execPath, PROGRAM, socketPath, to, String(API_PORT)];
  await using made = new AsyncDisposableStack();
  if (from === "outside") made.use(await startJsonServer(lab.internet, argv));
  else made.use(await startJsonServer(lab.sandbox, workloadArgv(argv)));
  const all = made.move();
  return {
    socketPath,
    async openPort() {
      const server = createServer({ allowHalfOpen: true }, (near) => {
        const far = connect({ path: socketPath, allowHalfOpen: true });
        near.pipe(far).pipe(near);
        near.on("error", () => far.destroy());
        far.on("error", () => near.destroy());
      }).listen(0, "127.0.0.1");
      all.defer(() => void server.close());
      await once(server, "listening");
      const address = server.address();
      return typeof address === "object" ? (address?.port ?? 0) : 0;
    },
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}
