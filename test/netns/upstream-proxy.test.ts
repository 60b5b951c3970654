/**
 * The real program behind a proxy that others wrote: all that leaves goes by its CONNECT, and below all
 * filters nothing is seen that goes another way.
 */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { API, BELOW, DENIED, HERE, OTHER, SECRET } from "../support/bound-hosts.ts";
import { FAMILIES, type Family, skipWithoutFamily, urlOf } from "../support/families.ts";
import {
  DENIED_PLACES,
  FIRST_PORT,
  NAMELESS,
  PROXY_NAME,
  TLS_PORT,
  useProxiedHosts,
  V4_PROXY,
  V6_PROXY,
} from "../support/proxied-hosts.ts";
import type { Sidecar } from "../support/sidecar.ts";
import { until } from "../support/until.ts";

const { on, start, asked, asks, straysDuring } = useProxiedHosts();
const { lab } = on;
const PING = fileURLToPath(new URL("../support/clients/ping.py", import.meta.url));

describe.each(FAMILIES)("a proxy at an address, $name", (family: Family) => {
  let sidecar: Sidecar;
  beforeAll(async () => {
    if (family.name === "IPv4" || lab.ipv6)
      sidecar = await start(family.name === "IPv4" ? V4_PROXY : V6_PROXY);
  });
  beforeEach((context) => skipWithoutFamily(context, lab, family));
  afterAll(async () => {
    if (family.name === "IPv4" || lab.ipv6) await sidecar[Symbol.asyncDispose]();
  });

  test("an allowed name goes by CONNECT with its name and port, over HTTP/1.1, HTTP/2 and plain HTTP, and to any port", async () => {
    const before = asked().length;
    const trusting = [family.flag, "--cacert", on.rootFile()];
    const strays = await straysDuring(async () => {
      for (const [url, version] of [
        [`https://${API}/`, "--http1.1"],
        [`https://${BELOW}/`, "--http2"],
        [`https://${API}:8443/`, "--http1.1"],
      ] as const) {
        const { code, answer } = await on.ask(url, version, ...trusting);
        expect([code, answer["sni"]]).toEqual([0, new URL(url).hostname]);
      }
      expect(await on.status(`http://${API}/`, family.flag)).toBe("200");
    });
    expect(strays).toEqual([]);
    for (const target of [`${API}:443`, `${BELOW}:443`, `${API}:8443`, `${API}:80`])
      await asks(target, before);
  });

  test("a bound host has its secret, over HTTP/1.1 and HTTP/2, by the same way", async () => {
    await on.bind(sidecar, [API]);
    const before = asked().length;
    try {
      const trusting = [family.flag, "--cacert", on.bundle(sidecar)];
      const strays = await straysDuring(async () => {
        const seen = await on.requestsDuring(async () => {
          for (const version of ["--http1.1", "--http2"]) {
            expect((await on.ask(`https://${API}/`, version, ...trusting)).code).toBe(0);
          }
        });
        expect(seen.map(({ injected }) => injected)).toEqual([SECRET, SECRET]);
      });
      expect(strays).toEqual([]);
      await asks(`${API}:443`, before);
    } finally {
      await on.unbind(sidecar);
    }
  });

  test("a denied name is reset, and the proxy is not asked", async () => {
    const place = family.name === "IPv4" ? HERE[0] : `[${HERE[1]}]`;
    await lab.dig(API, family.qtype);
    const strays = await straysDuring(async () => {
      const before = asked().length;
      const resolved = ["--resolve", `${DENIED}:443:${place}`];
      expect((await on.ask(`https://${DENIED}/`, family.flag, "-k", ...resolved)).code).toBe(35);
      expect(asked().slice(before)).toEqual([]);
    });
    expect(strays).toEqual([]);
  });

  test("what shows no name goes by its address where a rule allows that", async () => {
    const before = asked().length;
    const strays = await straysDuring(async () => {
      expect(await on.status(urlOf(family.nameless))).toBe("200");
    });
    expect(strays).toEqual([]);
    await asks(family.name === "IPv4" ? `${NAMELESS}:80` : `[${family.nameless}]:80`, before);
  });

  test("what no CONNECT carries leaves nothing on the wire", async () => {
    const strays = await straysDuring(async () => {
      await lab.dig(API, family.qtype);
      const send = `import socket
for place in ("${family.nameless}", "${family.name === "IPv4" ? HERE[0] : HERE[1]}"):
    for port in (7, 443):
        s = socket.socket(socket.${family.name === "IPv4" ? "AF_INET" : "AF_INET6"}, socket.SOCK_DGRAM)
        try:
            s.sendto(b"x" * 1200, (place, port))
            print("sent", place, port)
        except OSError as error:
            print("refused", error.errno)`;
      const sent = await lab.asWorkload(["python3", "-c", send]);
      expect(sent.stdout).not.toContain("sent");
      expect(sent.stdout.match(/refused/g)).toHaveLength(4);
      const pinged = await lab.asWorkload(["python3", PING, family.nameless]);
      expect(pinged.stdout).not.toContain("answered");
      expect((await lab.curl(`https://${API}:853/`)).exitCode).not.toBe(0);
      expect((await lab.curl(urlOf(DENIED_PLACES[family.name]))).exitCode).toBe(7);
    });
    expect(strays).toEqual([]);
  });
});

describe("a proxy at a name, over TLS", () => {
  let sidecar: Sidecar;
  beforeAll(async () => {
    sidecar = await start(`https://${PROXY_NAME}:${TLS_PORT}`);
  });
  afterAll(() => sidecar[Symbol.asyncDispose]());

  test("names, bound names and addresses go by it", async () => {
    const before = asked().length;
    await on.bind(sidecar, [API]);
    try {
      const strays = await straysDuring(async () => {
        const bound = await on.ask(`https://${API}/`, "--http2", "--cacert", on.bundle(sidecar));
        expect([bound.code, bound.answer["sni"]]).toEqual([0, API]);
        const other = await on.ask(`https://${OTHER}/`, "--cacert", on.rootFile());
        expect([other.code, other.answer["sni"]]).toEqual([0, OTHER]);
        expect(await on.status(`http://${NAMELESS}/bytes/1000000`)).toBe("200");
      });
      expect(strays).toEqual([]);
      for (const target of [`${API}:443`, `${OTHER}:443`, `${NAMELESS}:80`]) await asks(target, before);
    } finally {
      await on.unbind(sidecar);
    }
  });

  test("a server that speaks first is heard, at an address that a rule allows", async () => {
    const script = `import socket
s = socket.create_connection(("${NAMELESS}", ${FIRST_PORT}))
print(s.recv(100))
s.sendall(b"ping\\n")
print(s.recv(100))`;
    const strays = await straysDuring(async () => {
      const { stdout } = await lab.asWorkload(["python3", "-c", script]);
      expect(stdout).toContain("220 hello");
      expect(stdout).toContain("ping");
    });
    expect(strays).toEqual([]);
  });

  test("a hundred at once", async () => {
    const urls = Array.from({ length: 100 }, (_, n) => `https://${OTHER}/${n}`).flatMap((url) => [
      "-o",
      "/dev/null",
      url,
    ]);
    const many = ["--parallel", "--parallel-max", "100", "--parallel-immediate", "--no-keepalive"];
    const strays = await straysDuring(async () => {
      const { stdout } = await lab.asWorkload(
        ["curl", "-s", "--http1.1", ...many, "--cacert", on.rootFile(), "-w", "%{http_code} ", ...urls],
        { timeoutMs: 120_000 },
      );
      expect(stdout.trim().split(" ")).toEqual(Array.from({ length: 100 }, () => "200"));
    });
    expect(strays).toEqual([]);
  });

  test("a client that does not read stops the host, whatever it would send", async () => {
    const script = `import socket, sys
s = socket.create_connection(("${NAMELESS}", 80))
s.sendall(b"GET /bytes/400000000 HTTP/1.1\\r\\nHost: ${NAMELESS}\\r\\n\\r\\n")
print(s.recv(10), flush=True)
sys.stdin.readline()`;
    const before = residentOctets(sidecar);
    const client = lab.startAsWorkload(["python3", "-c", script]);
    const said: string[] = [];
    client.stdout.on("data", (chunk: Buffer) => said.push(chunk.toString()));
    await until("it has its first octets", () => said.join("").includes("HTTP"));
    // Meanwhile others are served.
    for (let n = 0; n < 3; n += 1) {
      expect((await on.ask(`https://${OTHER}/`, "--cacert", on.rootFile())).code).toBe(0);
    }
    expect(residentOctets(sidecar) - before).toBeLessThan(100 << 20);
    client.stdin.write("\n");
    await client.end;
  });
});

function residentOctets({ pid }: Sidecar): number {
  const [, kibibytes = ""] = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
  return Number(kibibytes) * 1024;
}
