/**
 * Row 38: secrets that are replaced and deleted while a workload keeps connections to their host.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { API, SECRET, useBoundHosts } from "../support/bound-hosts.ts";
import { FAMILIES, type Family, skipWithoutFamily } from "../support/families.ts";
import type { Sidecar } from "../support/sidecar.ts";
import { until } from "../support/until.ts";

const on = useBoundHosts();
const { lab } = on;
const NEXT = "the-s3cr3t-that-follows";

/**
 * Keeps a connection of its own family. Each line of input is a path to ask for. Says what each request was
 * told: the status, or `ended`.
 */
const KEEPS = `import socket, ssl, sys
family = socket.AF_INET6 if sys.argv[2] == "IPv6" else socket.AF_INET
place = socket.getaddrinfo("${API}", 443, family, socket.SOCK_STREAM)[0][4]
context = ssl.create_default_context(cafile=sys.argv[1])
raw = socket.socket(family, socket.SOCK_STREAM)
raw.connect(place)
tls = context.wrap_socket(raw, server_hostname="${API}")
print("open", flush=True)
for line in sys.stdin:
    path = line.strip()
    try:
        tls.sendall(f"GET {path} HTTP/1.1\\r\\nHost: ${API}\\r\\n\\r\\n".encode())
        text = b""
        while b"}" not in text:
            more = tls.recv(65536)
            if not more:
                break
            text += more
        print(path, text.split(b" ", 2)[1].decode() if text else "ended", flush=True)
    except OSError as error:
        print(path, "ended", flush=True)`;

describe.each(FAMILIES)("$name", (family: Family) => {
  let sidecar: Sidecar;
  beforeAll(async () => {
    sidecar = await on.start();
  });
  afterAll(() => sidecar[Symbol.asyncDispose]());
  beforeEach((context) => skipWithoutFamily(context, lab, family));

  async function keep() {
    const argv = ["python3", "-c", KEEPS, on.bundle(sidecar), family.name] as const;
    const client = lab.startAsWorkload(argv);
    let said = "";
    client.stdout.on("data", (chunk: Buffer) => (said += chunk.toString()));
    await until("it is open", () => said.includes("open"));
    return {
      send: (path: string) => client.stdin.write(`${path}\n`),
      told: (path: string) =>
        until(`${path} is told`, () => new RegExp(`^${path} (\\w+)\n`, "m").exec(said)?.[1]),
    };
  }

  test("row 38: a kept connection has the new secret in its next request, and never the old one again", async () => {
    await on.bind(sidecar, [API]);
    try {
      const seen = await on.requestsDuring(async () => {
        const { send, told } = await keep();
        send("/before");
        expect(await told("/before")).toBe("200");
        const replace = [{ name: "c", source: { type: "inline", value: NEXT } }];
        const body = { credentials: { replace } };
        expect((await sidecar.api("PATCH", "/credential-vault", { body })).status).toBe(200);
        for (const path of ["/after", "/later"]) {
          send(path);
          expect(await told(path)).toBe("200");
        }
      });
      expect(seen.map(({ path, injected }) => [path, injected])).toEqual([
        ["/before", SECRET],
        ["/after", NEXT],
        ["/later", NEXT],
      ]);
    } finally {
      await on.unbind(sidecar);
    }
  });

  test("row 38: once a secret is deleted, no request of a kept connection has it", async () => {
    await on.bind(sidecar, [API]);
    const seen = await on.requestsDuring(async () => {
      const { send, told } = await keep();
      send("/honest");
      expect(await told("/honest")).toBe("200");
      await on.unbind(sidecar);
      for (const path of ["/after", "/later"]) {
        send(path);
        expect(["200", "421", "ended"]).toContain(await told(path));
      }
    });
    expect(seen.filter(({ injected }) => injected === SECRET)).toMatchObject([{ path: "/honest" }]);
  });
});
