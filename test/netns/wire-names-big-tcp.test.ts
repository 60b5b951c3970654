/** Uploads by plain HTTP in packets past 65,535 octets; and packets that are not read, which is told. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { configure } from "../../src/netns/namespace.ts";
import { FAMILIES, skipWithoutFamily } from "../support/families.ts";
import { type JsonServer, startJsonServer } from "../support/json-server.ts";
import { WAIT_MS } from "../support/limits.ts";
import type { Sidecar } from "../support/sidecar.ts";
import { until } from "../support/until.ts";
import { useLab } from "../support/use-lab.ts";

const [ONE, PORT, OCTETS] = ["one.example.org", 8097, 8_000_000];

const SERVER = `
import socket, threading
def serve(one):
    octets = 0
    while octets < ${OCTETS} and (piece := one.recv(1 << 20)):
        octets += len(piece)
    one.sendall(b"HTTP/1.1 200 OK\\r\\nContent-Length: 0\\r\\n\\r\\n")
server = socket.create_server(("::", ${PORT}), family=socket.AF_INET6, dualstack_ipv6=True)
print('{"event": "ready"}', flush=True)
while True:
    threading.Thread(target=serve, args=(server.accept()[0],), daemon=True).start()
`;
const UPLOAD = `
import socket, sys
one = socket.create_connection((sys.argv[1], ${PORT}))
one.sendall(b"POST / HTTP/1.1\\r\\nHost: ${ONE}\\r\\nContent-Length: ${OCTETS}\\r\\n\\r\\n")
for _ in range(2):
    one.sendall(bytes(${OCTETS / 2}))
print(one.recv(100)[:12].decode())
`;
/** Options that a socket asks for stand ahead of TCP's header (RFC 3542 section 9). */
const WITH_OPTIONS = `
import socket, sys
one = socket.create_connection((sys.argv[1], ${PORT}))
one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_DSTOPTS, bytes([0, 0, 1, 4, 0, 0, 0, 0]))
one.sendall(b"GET / HTTP/1.1\\r\\nHost: ${ONE}\\r\\n\\r\\n")
try:
    one.recv(100)
    print("answered")
except ConnectionError:
    print("refused")
`;

const lab = useLab({ upstream: { ttlSeconds: 300 } });
let server: JsonServer;
let sidecar: Sidecar;
beforeAll(async () => {
  server = await startJsonServer(lab.internet, ["python3", "-c", SERVER]);
  sidecar = await lab.startSidecar({ policy: { egress: [{ action: "allow", target: ONE }] } });
});
afterAll(() => server[Symbol.asyncDispose]());

async function run(script: string, address: string): Promise<string> {
  const { stdout } = await lab.asWorkload(["python3", "-c", script, address], { timeoutMs: WAIT_MS });
  return stdout.trim();
}

describe.each(FAMILIES)("$name", (family) => {
  beforeEach(async (context) => {
    skipWithoutFamily(context, lab, family);
    await lab.dig("-t", family.qtype, ONE);
  });

  test.each(["65536", "185000"])("an upload passes with packets of up to %s octets", async (most) => {
    await configure(lab.sandbox, [`link set dev eth0 gso_max_size ${most}`]);
    expect(await run(UPLOAD, family.one)).toBe("HTTP/1.1 200");
  });

  // Options ahead of TCP's header are IPv6's.
  if (family.name !== "IPv6") return;
  test("what is not read is refused, told and counted", async () => {
    const before = sidecar.logs().length;
    expect(await run(WITH_OPTIONS, family.one)).toBe("refused");
    const told = await until("it is told", () =>
      sidecar
        .logs()
        .slice(before)
        .find((line) => String(line["reason.detail"]).startsWith("a packet of an odd form")),
    );
    expect(told).toMatchObject({ "destination.port": PORT });
  });
});
