/**
 * Bound hosts and rules with ports, beside judged names and without: a bound host is answered on the ports
 * that it is allowed on, and refused on all others.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { API, HERE, OTHER, SECRET, useBoundHosts } from "../support/bound-hosts.ts";
import { FAMILIES, type Family, skipWithoutFamily } from "../support/families.ts";
import type { Sidecar } from "../support/sidecar.ts";
import { until } from "../support/until.ts";

const on = useBoundHosts();
const { lab } = on;

/** Of curl: reset in the handshake, no answer, reset. */
const RESET = [35, 52, 56];
const NOT_CONNECTED = 7;

describe.each(["off", "known", "strict"])("with names on the wire %s", (names) => {
  let sidecar: Sidecar;
  beforeAll(async () => {
    sidecar = await on.start({ OPENSANDBOX_EGRESS_WIRE_NAMES: names });
    await on.bind(sidecar, [API]);
  });
  afterAll(() => sidecar[Symbol.asyncDispose]());

  async function policyIs(...egress: readonly object[]): Promise<void> {
    const answer = await sidecar.api("PUT", "/policy", { body: { egress } });
    expect([answer.status, answer.text]).toEqual([200, answer.text]);
  }

  describe.each(FAMILIES)("$name", (family: Family) => {
    const { flag } = family;
    beforeEach((context) => skipWithoutFamily(context, lab, family));
    const code = async (url: string): Promise<number | undefined> =>
      (await on.ask(url, flag, "--cacert", on.bundle(sidecar))).code;
    const hears = async (url: string): Promise<unknown> => {
      const seen = await on.requestsDuring(async () => expect(await code(url)).toBe(0));
      return seen.map(({ injected }) => injected);
    };

    test("a bound host that is allowed on 443 alone is answered there, and refused elsewhere", async () => {
      await policyIs({ action: "allow", target: API, ports: [443] });
      expect(await hears(`https://${API}/`)).toEqual([SECRET]);
      expect(RESET).toContain(await code(`http://${API}/`));
      expect(await code(`http://${API}:8080/`)).toBe(NOT_CONNECTED);
    });

    test("a policy that takes the port of a bound host's scheme away is refused", async () => {
      await policyIs({ action: "allow", target: API, ports: [443] });
      const rule = { action: "deny", target: API, ports: [443] };
      const { status, text } = await sidecar.api("PATCH", "/policy", { body: [rule] });
      expect([status, text.trim()]).toEqual([400, expect.stringContaining(`host "${API}" is not allowed`)]);
      expect(await hears(`https://${API}/`)).toEqual([SECRET]);
    });

    test("another name at its address has its own ports, and no more", async () => {
      await policyIs(
        { action: "allow", target: API, ports: [443] },
        { action: "allow", target: OTHER, ports: [80] },
      );
      await lab.dig(OTHER, family.qtype);
      expect(await hears(`https://${API}/`)).toEqual([SECRET]);
      expect(RESET).toContain(await code(`https://${OTHER}/`));
      expect(await code(`http://${OTHER}/`)).toBe(0);
      expect(RESET).toContain(await code(`http://${API}/`));
    });

    test("a rule for its address refuses the interceptor, too", async () => {
      const place = family.name === "IPv4" ? HERE[0] : HERE[1];
      await policyIs({ action: "deny", target: place, ports: [443] }, { action: "allow", target: API });
      const seen = await on.requestsDuring(async () => {
        expect(await on.status(`https://${API}/`, flag, "--cacert", on.bundle(sidecar))).not.toBe("200");
      });
      expect(seen).toEqual([]);
    });

    test("a kept connection of another name there ends with its port, and hears nothing more", async () => {
      const api = { action: "allow", target: API, ports: [443] };
      await policyIs(api, { action: "allow", target: OTHER, ports: [443] });
      const script = `import socket, ssl, sys
context = ssl.create_default_context(cafile="${on.rootFile()}")
tls = context.wrap_socket(socket.create_connection((sys.argv[1], 443)), server_hostname="${OTHER}")
for _ in range(2):
    tls.sendall(b"GET / HTTP/1.1\\r\\nHost: ${OTHER}\\r\\n\\r\\n")
    assert tls.recv(65536)
print("open", flush=True)
try:
    while tls.recv(65536): pass
    print("ended")
except OSError:
    print("ended")`;
      const place = family.name === "IPv4" ? HERE[0] : HERE[1];
      await lab.dig(API, family.qtype);
      await lab.dig(OTHER, family.qtype);
      const client = lab.startAsWorkload(["python3", "-c", script, place]);
      const said: string[] = [];
      client.stdout.on("data", (chunk: Buffer) => said.push(chunk.toString()));
      await until("it is open", () => said.join("").includes("open"));
      await policyIs(api, { action: "allow", target: OTHER, ports: [80] });
      await until("it ends", () => client.hasEnded());
      expect(said.join("")).toBe("open\nended\n");
      expect(await hears(`https://${API}/`)).toEqual([SECRET]);
    });
  });
});
