/** A server that sends back what it is told, and a client of the workload that goes on while it may. */
import { type JsonServer, startJsonServer } from "./json-server.ts";
import type { Lab } from "./lab.ts";
import { until } from "./until.ts";
import { workloadArgv } from "./workload.ts";

const SERVER = `
import socket, threading, sys
def serve(one):
    try:
        while octets := one.recv(999):
            one.sendall(octets)
    except OSError:
        pass
server = socket.create_server(("::", int(sys.argv[1])), family=socket.AF_INET6, dualstack_ipv6=True)
print('{"event": "ready"}', flush=True)
while True:
    threading.Thread(target=serve, args=(server.accept()[0],), daemon=True).start()
`;
/** Says each line that came back, and how it ended. */
const CLIENT = `
import json, socket, sys, time
one = socket.create_connection((sys.argv[1], int(sys.argv[2])))
try:
    one.sendall(bytes.fromhex(sys.argv[3]))
    while True:
        one.sendall(b"NOOP\\r\\n")
        if not one.recv(999):
            raise OSError("closed")
        print('{"event": "ready"}', flush=True)
        time.sleep(0.05)
except OSError as error:
    print(json.dumps({"event": "ended", "how": str(error)}), flush=True)
sys.stdin.read()
`;

export function startEchoLines({ internet }: Pick<Lab, "internet">, port: number): Promise<JsonServer> {
  return startJsonServer(internet, ["python3", "-c", SERVER, `${port}`]);
}

/** Settles once something came back. `first`: octets in hex that stand before all others. */
export function talkLines(
  { sandbox }: Pick<Lab, "sandbox">,
  address: string,
  port: number,
  first = "",
): Promise<JsonServer> {
  const argv = ["python3", "-c", CLIENT, address, `${port}`, first] as const;
  return startJsonServer(sandbox, workloadArgv(argv));
}

export const hasEnded = ({ lines }: JsonServer): boolean => lines.some(({ event }) => event === "ended");

/** Whether more comes back, rather than an end. */
export async function goesOn(client: JsonServer): Promise<boolean> {
  const before = client.lines.length;
  await until("lines come back", () => hasEnded(client) || client.lines.length > before + 3);
  return !hasEnded(client);
}
