/**
 * Connections of a protocol that shows no name: a change that denies other names leaves them alone, one that
 * closes their address ends them.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { FAMILIES, skipWithoutFamily } from "../support/families.ts";
import { type JsonServer, startJsonServer } from "../support/json-server.ts";
import type { Sidecar } from "../support/sidecar.ts";
import { until } from "../support/until.ts";
import { useLab } from "../support/use-lab.ts";
import { workloadArgv } from "../support/workload.ts";

const PORT = "2525";
const [ONE, TWO] = ["one.example.org", "two.example.org"];
const POLICY = { egress: [ONE, TWO].map((target) => ({ action: "allow", target })) };

/** Sends back each line. */
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

const lab = useLab({ upstream: { ttlSeconds: 300 } });
let server: JsonServer;
let sidecar: Sidecar;
beforeAll(async () => {
  server = await startJsonServer(lab.internet, ["python3", "-c", SERVER, PORT]);
  sidecar = await lab.startSidecar({ policy: POLICY });
});
afterAll(() => server[Symbol.asyncDispose]());
beforeEach(() => change("PUT", POLICY));

async function change(method: string, body: unknown): Promise<void> {
  expect(await sidecar.api(method, "/policy", { body })).toMatchObject({ status: 200 });
}
const hasEnded = ({ lines }: JsonServer): boolean => lines.some(({ event }) => event === "ended");
async function goesOn(client: JsonServer): Promise<boolean> {
  const before = client.lines.length;
  await until("lines come back", () => hasEnded(client) || client.lines.length > before + 3);
  return !hasEnded(client);
}

describe.each(FAMILIES)("$name", (family) => {
  beforeEach((context) => skipWithoutFamily(context, lab, family));

  test("a change that denies another name leaves it alone, also after a restart", async () => {
    for (const name of [ONE, TWO]) await lab.dig("-t", family.qtype, name);
    const argv = workloadArgv(["python3", "-c", CLIENT, family.one, PORT]);
    await using client = await startJsonServer(lab.sandbox, argv);
    expect(await goesOn(client)).toBe(true);
    await change("PATCH", [{ action: "deny", target: TWO }]);
    expect(await goesOn(client)).toBe(true);
    await sidecar.kill("SIGKILL");
    sidecar = await lab.startSidecar({ policy: POLICY });
    expect(await goesOn(client)).toBe(true);
    await change("PATCH", [{ action: "deny", target: TWO }]);
    expect(await goesOn(client)).toBe(true);
    await change("PATCH", [{ action: "deny", target: ONE }]);
    await until("it has ended", () => hasEnded(client));
  });
});
