/**
 * The real program with interception on: what the vault binds is answered by it, with the credential put in,
 * and everything else is as before.
 */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { execIn } from "../../src/netns/namespace.ts";
import {
  API,
  BELOW,
  DENIED,
  FORGED,
  HERE,
  OTHER,
  KEPT,
  SECRET,
  STALE,
  useBoundHosts,
} from "../support/bound-hosts.ts";
import { FAMILIES, type Family, skipWithoutFamily } from "../support/families.ts";
import type { Sidecar } from "../support/sidecar.ts";
import { until } from "../support/until.ts";

const on = useBoundHosts();
const { lab } = on;
let sidecar: Sidecar;
beforeAll(async () => {
  sidecar = await on.start();
});
afterAll(() => sidecar[Symbol.asyncDispose]());

describe.each(FAMILIES)("$name", (family: Family) => {
  const { flag } = family;
  beforeEach((context) => skipWithoutFamily(context, lab, family));

  test("what is not bound is reached as ever, with interception on", async () => {
    const { code, answer } = await on.ask(`https://${API}/plain`, flag, "--cacert", on.rootFile());
    expect(code).toBe(0);
    expect(answer).not.toHaveProperty("injected");
  });

  test("a bound host is answered by the sidecar, hears the credential, and cannot say it back; over HTTP/1.1 and HTTP/2", async () => {
    await on.bind(sidecar, [API, "*.wild.example.org"]);
    try {
      const trusting = [flag, "--cacert", on.bundle(sidecar)];
      const seen = await on.requestsDuring(async () => {
        for (const [version, name] of [
          ["--http1.1", API],
          ["--http2", API],
          ["--http2", BELOW],
        ] as const) {
          const { code, answer } = await on.ask(`https://${name}/x`, version, ...trusting);
          expect([code, answer["sni"]]).toEqual([0, name]);
          expect(JSON.stringify(answer)).not.toContain(SECRET);
        }
      });
      expect(seen.map(({ injected }) => injected)).toEqual([SECRET, SECRET, SECRET]);
      expect(seen.map(({ version }) => version)).toEqual(["1.1", "2.0", "2.0"]);
    } finally {
      await on.unbind(sidecar);
    }
    const after = await on.ask(`https://${API}/`, flag, "--cacert", on.rootFile());
    expect(after.answer).not.toHaveProperty("injected");
  });

  test("another allowed name at a bound host's address has its own certificate, and hears nothing of ours", async () => {
    await on.bind(sidecar, [API]);
    try {
      const { answer } = await on.ask(`https://${OTHER}/`, flag, "--cacert", on.rootFile());
      expect(answer).toMatchObject({ sni: OTHER });
      expect(answer).not.toHaveProperty("injected");
      expect((await on.ask(`https://${OTHER}/`, flag, "--cacert", on.bundle(sidecar))).code).toBe(60);
    } finally {
      await on.unbind(sidecar);
    }
  });

  test("a bound name at another address than was looked up for it is refused, and nothing reaches that", async () => {
    await on.bind(sidecar, [API]);
    try {
      await on.ask(`https://${OTHER}/`, flag, "--cacert", on.rootFile());
      await lab.dig(API, family.qtype);
      // Another name's address, which is bound to nothing: the kernel leads it past us, and the host hears no
      // credential.
      const seen = await on.requestsDuring(async () => {
        const place = family.name === "IPv4" ? "198.51.100.20" : "[2001:db8:100::20]";
        await lab.dig(BELOW, family.qtype);
        await on.ask(`https://${API}/`, flag, "-k", "--resolve", `${API}:443:${place}`);
      });
      expect(JSON.stringify(seen)).not.toContain(SECRET);
    } finally {
      await on.unbind(sidecar);
    }
  });

  test.each([
    ["has run out", STALE],
    ["is nobody's", FORGED],
  ])("a bound host whose certificate %s is told 421, and hears nothing", async (_what, name) => {
    await on.bind(sidecar, [name]);
    try {
      const seen = await on.requestsDuring(async () => {
        expect(await on.status(`https://${name}/`, flag, "--cacert", on.bundle(sidecar))).toBe("421");
      });
      expect(seen).toEqual([]);
    } finally {
      await on.unbind(sidecar);
    }
  });

  test("Host, and SNI, off by one: no credential leaves", async () => {
    await on.bind(sidecar, [API]);
    try {
      const seen = await on.requestsDuring(async () => {
        const trusting = [flag, "--cacert", on.bundle(sidecar)];
        expect(await on.status(`https://${API}/`, ...trusting, "-H", `Host: ${OTHER}`)).toBe("421");
        const place = family.name === "IPv4" ? HERE[0] : `[${HERE[1]}]`;
        // SNI of another allowed name, Host of the bound one: passed on unread, and so without a credential.
        await on.ask(
          `https://${OTHER}/`,
          flag,
          "-k",
          "--resolve",
          `${OTHER}:443:${place}`,
          "-H",
          `Host: ${API}`,
        );
        expect(
          (await on.ask(`https://${DENIED}/`, flag, "-k", "--resolve", `${DENIED}:443:${place}`)).code,
        ).toBe(35);
      });
      expect(JSON.stringify(seen)).not.toContain(SECRET);
    } finally {
      await on.unbind(sidecar);
    }
  });

  test("plain HTTP to a host that is bound over https alone carries no credential; bound over http it does", async () => {
    await on.bind(sidecar, [API]);
    const before = lab.web.events().length;
    await lab.asWorkload(["curl", "-s", flag, `http://${API}/`]);
    await until("the web server has seen it", () => lab.web.events().length > before);
    await on.unbind(sidecar);
    await on.bind(sidecar, [API], ["http"]);
    try {
      const run = await lab.asWorkload(["curl", "-s", flag, `http://${API}/bound`]);
      expect(run.stdout).toContain("hello from");
    } finally {
      await on.unbind(sidecar);
    }
  });
});

/** Python's own client puts the name into its hello as it is written. */
const URLLIB = `import ssl, sys, urllib.request
context = ssl.create_default_context(cafile=sys.argv[1])
print(urllib.request.urlopen(sys.argv[2], context=context, timeout=60).read().decode())`;

describe("a bound host's name in a client's hello", () => {
  beforeEach(() => on.bind(sidecar, [API]));
  afterEach(() => on.unbind(sidecar));

  test.each(["API.Example.org", "api.example.ORG"])("may be %s, for Python's urllib", async (name) => {
    const asked = ["python3", "-c", URLLIB, on.bundle(sidecar), `https://${name}/x`] as const;
    const seen = await on.requestsDuring(async () => {
      expect(await lab.asWorkload(asked)).toMatchObject({ exitCode: 0, stderr: "" });
    });
    expect(seen).toMatchObject([{ sni: API, host: API, injected: SECRET }]);
  });

  test("that ends in a dot is none, as everywhere", async () => {
    const asked = ["python3", "-c", URLLIB, on.bundle(sidecar), `https://${API}./x`] as const;
    expect((await lab.asWorkload(asked)).exitCode).not.toBe(0);
    await until("it is told", () =>
      sidecar.logs().some((line) => JSON.stringify(line).includes("a server name that is none")),
    );
  });
});

test("the kernel holds a bound host's addresses before its lookup is answered, and none once nothing is bound", async () => {
  const held = async (): Promise<string> =>
    (await execIn(lab.sandbox, ["nft", "list", "set", "inet", "opensandbox", "bound_v4"])).stdout;
  await on.bind(sidecar, [API, OTHER]);
  await lab.dig(API, "A");
  expect(await held()).toContain("198.51.100.30");
  await on.unbind(sidecar);
  expect(await held()).not.toContain("198.51.100.30");
});

test("a kept connection that is older than the binding is reset", async () => {
  const client = lab.startAsWorkload(["python3", "-c", KEPT, on.rootFile()]);
  const said: string[] = [];
  client.stdout.on("data", (chunk: Buffer) => said.push(chunk.toString()));
  await until("it is open", () => said.join("").includes("open"));
  const generation = async (): Promise<string> =>
    (await execIn(lab.sandbox, ["nft", "list", "chain", "inet", "opensandbox", "current"])).stdout;
  const before = await generation();
  await on.bind(sidecar, [API]);
  try {
    await until("its packets are judged again", async () => (await generation()) !== before);
    client.stdin.write("\n");
    await until("it ends", () => client.hasEnded());
    expect(said.join("")).not.toContain("answered");
  } finally {
    await on.unbind(sidecar);
  }
});
