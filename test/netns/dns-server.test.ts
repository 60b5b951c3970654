/** The DNS server alone in a sandbox, asked by dig and answered by dnsmasq: real sockets on both sides. */
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import type { DigAnswer } from "../support/dig.ts";
import { type JsonServer, startJsonServer } from "../support/json-server.ts";
import { INTERNET_V4, INTERNET_V6 } from "../support/lab.ts";
import { promised } from "../support/limits.ts";
import { skipBecause } from "../support/skip.ts";
import { until } from "../support/until.ts";
import { useLab } from "../support/use-lab.ts";

const SERVE = fileURLToPath(new URL("../dns/support/serve.ts", import.meta.url));
const ASK_OVER_TCP = fileURLToPath(new URL("../support/clients/ask_over_tcp.py", import.meta.url));
const UPSTREAM = { address: INTERNET_V4, port: 53 };
/** A port that nobody listens on, and an address that nobody has. */
const REFUSING = { address: "198.51.100.53", port: 5399 };
const SILENT = { address: "192.0.2.77", port: 53 };
const statsShape = z.record(z.string(), z.number());

const many = Array.from({ length: 200 }, (_, i) => `198.51.100.${i < 66 ? i : i + 1}`);
const lab = useLab({
  zone: {
    "*.many.example.org": { addresses: many },
    "alias.example.org": { cname: "second.example.org" },
    "second.example.org": { cname: "one.example.org" },
    "text.example.org": { text: Array.from({ length: 12 }, (_, i) => `${i}`.padEnd(200, "x")) },
    "half.example.org": { addresses: ["198.51.100.1", "198.51.100.66"] },
    "bad.example.org": { addresses: ["198.51.100.66"] },
    "kernel.example.org": { addresses: ["198.51.100.1"] },
  },
  upstream: { ttlSeconds: 100 },
});

interface Served extends AsyncDisposable {
  dig(...args: readonly string[]): Promise<DigAnswer>;
  /** Says the command and waits for what it answers. */
  command(line: string): Promise<unknown>;
  readonly server: JsonServer;
}

async function serve(settings: object = {}): Promise<Served> {
  const argv = [
    process.execPath,
    SERVE,
    JSON.stringify({ upstreams: [UPSTREAM], timeoutMs: 1500, ...settings }),
  ] as const;
  const server = await startJsonServer(lab.sandbox, argv);
  return {
    server,
    dig: async (...args) => lab.dig("-p", "15353", "@127.0.0.1", ...args),
    async command(line) {
      const [event] = line.split(" ");
      const before = server.lines.filter((said) => said.event === event).length;
      server.process.stdin.write(`${line}\n`);
      return until(`an answer to ${line}`, () => {
        const said = server.lines.filter((other) => other.event === event)[before];
        return said === undefined ? undefined : { value: said["value"] };
      }).then(({ value }) => value);
    },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

describe("with one upstream", () => {
  let served: Served;
  beforeAll(async () => {
    served = await serve();
  });
  afterAll(async () => {
    await served[Symbol.asyncDispose]();
  });

  test.each([["+notcp"], ["+tcp"]])("an allowed name is answered %s", async (transport) => {
    const answer = await served.dig(transport, "one.example.org", "A");
    expect(answer).toMatchObject({
      rcode: "NOERROR",
      addresses: ["198.51.100.1"],
      flags: ["qr", "rd", "ra"],
    });
  });

  test("over IPv6 as well", async (context) => {
    if (!lab.ipv6) skipBecause(context, "this machine has no IPv6");
    for (const transport of ["+notcp", "+tcp"]) {
      expect(await served.dig("@::1", transport, "one.example.org", "AAAA")).toMatchObject({
        addresses: ["2001:db8:100::1"],
      });
    }
  });

  test("a denied name is NXDOMAIN with EDE 15, and no upstream hears of it", async () => {
    for (const transport of ["+notcp", "+tcp"]) {
      const answer = await served.dig(transport, "secret.denied.example", "A");
      expect(answer).toMatchObject({
        rcode: "NXDOMAIN",
        ede: "15 (Blocked): (a rule denies secret.denied.example)",
      });
    }
    expect(lab.upstream.questions().filter(({ qname }) => qname.toLowerCase().includes("denied"))).toEqual(
      [],
    );
  });

  test("a chain of aliases comes whole", async () => {
    const answer = await served.dig("alias.example.org", "A");
    expect(answer.records.map((record) => record.split(" ")[3])).toEqual(["CNAME", "CNAME", "A"]);
  });

  test("200 addresses are fetched over TCP: TC and what fits to a client over UDP, whole to one over TCP", async () => {
    const cut = await served.dig("+ignore", "+bufsize=1232", "many.example.org", "A");
    expect(cut.flags).toContain("tc");
    // Header, question, OPT record, and 16 octets for each address.
    expect(cut.addresses).toHaveLength(Math.floor((1232 - 12 - 22 - 11) / 16));
    expect((await served.dig("+tcp", "many.example.org", "A")).addresses).toHaveLength(200);
    expect((await served.dig("many.example.org", "A")).addresses).toHaveLength(200);
    const large = await served.dig("+ignore", "+bufsize=4096", "many.example.org", "A");
    expect(large.addresses).toHaveLength(200);
  });

  test("a large TXT is given to clients that take it", async () => {
    expect((await served.dig("+ignore", "+noedns", "text.example.org", "TXT")).flags).toContain("tc");
    expect((await served.dig("text.example.org", "TXT")).records).toHaveLength(12);
  });

  test("addresses that the policy refuses are taken out", async () => {
    expect((await served.dig("half.example.org", "A")).addresses).toEqual(["198.51.100.1"]);
    const none = await served.dig("bad.example.org", "A");
    expect(none).toMatchObject({
      rcode: "NOERROR",
      addresses: [],
      ede: "17 (Filtered): (every address of this name is denied)",
    });
  });

  test("an address that the kernel does not take is not given out", async () => {
    expect(await served.dig("kernel.example.org", "A")).toMatchObject({
      rcode: "SERVFAIL",
      ede: "14 (Not Ready): (the kernel refused the addresses)",
    });
  });

  test.each([
    ["a name that is not there is NXDOMAIN", ["nowhere.example.com", "A"], "NXDOMAIN"],
    ["a type that is not there is no data", ["text.example.org", "A"], "NOERROR"],
    ["another class is refused", ["-c", "CH", "version.bind", "TXT"], "REFUSED"],
    ["another opcode is not implemented", ["+opcode=NOTIFY", "one.example.org", "SOA"], "NOTIMP"],
    ["another EDNS version is BADVERS", ["+edns=1", "+noednsneg", "one.example.org", "A"], "BADVERS"],
    [
      "unknown EDNS options are no trouble",
      ["+nsid", "+subnet=192.0.2.0/24", "one.example.org", "A"],
      "NOERROR",
    ],
    ["HTTPS is no data", ["one.example.org", "HTTPS"], "NOERROR"],
  ])("%s", async (_what, args, rcode) => {
    expect(await served.dig(...args)).toMatchObject({
      rcode,
      addresses: rcode === "NOERROR" && args.includes("+nsid") ? ["198.51.100.1"] : [],
    });
  });

  test("what is said twice is asked once", async () => {
    await served.dig("kept.wild.example.org", "A");
    await served.dig("KEPT.wild.example.org", "A");
    expect(lab.upstream.questions().filter(({ qname }) => /^kept/i.test(qname))).toHaveLength(1);
  });

  test("300 idle connections do not keep another client out", async () => {
    const holder = lab.startAsWorkload([
      "python3",
      "-c",
      `
import socket, sys
held = [socket.create_connection(("127.0.0.1", 15353)) for _ in range(300)]
print("held", flush=True)
sys.stdin.read()
`,
    ]);
    const lines: string[] = [];
    holder.stdout.on("data", (chunk: Buffer) => lines.push(chunk.toString()));
    await until("connections are held", () => lines.join("").includes("held"));
    expect(await served.dig("+tcp", "one.example.org", "A")).toMatchObject({ rcode: "NOERROR" });
    holder.kill("SIGKILL");
    await holder.end;
  });

  test("a client that has closed its side gets its answers, and then the end", async () => {
    const { stdout } = await lab.asWorkload([
      "python3",
      "-c",
      `
import socket, struct, time
query = struct.pack(">HHHHHH", 7, 0x100, 1, 0, 0, 0) + b"\\4half\\6closed\\4wild\\7example\\3org\\0" + struct.pack(">HH", 1, 1)
client = socket.create_connection(("127.0.0.1", 15353), 5)
client.sendall(struct.pack(">H", len(query)) + query + struct.pack(">H", len(query)) + query)
client.shutdown(socket.SHUT_WR)
began, answer = time.time(), b""
while chunk := client.recv(4096): answer += chunk
print(len(answer) > 2 * len(query), time.time() - began < 3)
`,
    ]);
    expect(stdout.trim()).toBe("True True");
  });

  test("what has happened is counted, and nothing is left under way", async () => {
    const stats = statsShape.parse(await served.command("stats"));
    expect(stats).toMatchObject({
      denied: 2,
      kernelFailures: 1,
      overloads: 0,
      underWay: 0,
      waiting: 0,
      droppedAnswers: 0,
      droppedQueries: 0,
    });
    const moved = Object.keys(stats).filter((name) => (stats[name] ?? 0) > 0);
    expect(moved).toEqual(
      expect.arrayContaining([
        "udpQueries",
        "tcpQueries",
        "refused",
        "cacheHits",
        "forwarded",
        "askedOverTcp",
        "cacheEntries",
      ]),
    );
  });

  test("at idle nothing runs", async () => {
    expect(await served.command("cpu 2000")).toBeLessThan(40);
  });
});

test.each([
  ["refuses", REFUSING],
  ["is silent", SILENT],
])("an upstream that %s gives way to the next, and soon is not waited for", async (_what, dead) => {
  await using served = await serve({ upstreams: [dead, UPSTREAM], probeIntervalMs: 30_000 });
  for (let i = 0; i < 4; i++) {
    expect(await served.dig(`n${i}-${dead.port}.wild.example.org`, "A")).toMatchObject({
      addresses: ["198.51.100.20"],
    });
  }
  let asked = 0;
  await until("a lookup takes less than the wait for an upstream", async () => {
    const { durationMs } = await served.dig(`last${asked++}-${dead.port}.wild.example.org`, "A");
    return durationMs < 290;
  });
});

test("an upstream over IPv6 is asked", async (context) => {
  if (!lab.ipv6) skipBecause(context, "this machine has no IPv6");
  await using served = await serve({ upstreams: [{ address: INTERNET_V6, port: 53 }] });
  expect(await served.dig("many.example.org", "A")).toMatchObject({ rcode: "NOERROR" });
  expect(await served.dig("one.example.org", "A")).toMatchObject({ addresses: ["198.51.100.1"] });
});

test.each(["127.0.0.1", "::1"])(
  "200 clients that wait on connections of their own to %s are all answered, though 300 are idle",
  async (address) => {
    await using served = await serve({ upstreams: [SILENT] });
    const { stdout } = await lab.asWorkload(["python3", ASK_OVER_TCP, address, "200", "300"]);
    expect(JSON.parse(stdout)).toEqual({ answered: 200, lost: 0 });
    expect(await served.dig("+tcp", "secret.denied.example", "A")).toMatchObject({ rcode: "NXDOMAIN" });
  },
);

test("without any upstream alive the answer is SERVFAIL with EDE 22, in time", async () => {
  await using served = await serve({ upstreams: [SILENT], timeoutMs: 700 });
  const answer = await served.dig("one.example.org", "A");
  expect(answer).toMatchObject({
    rcode: "SERVFAIL",
    ede: "22 (No Reachable Authority): (no upstream gave an answer in time)",
  });
  expect(answer.durationMs).toBeLessThan(promised(1500));
});

test("a probe that fails is told in a line, and one that is answered is not", async () => {
  await using served = await serve({ upstreams: [UPSTREAM, SILENT], timeoutMs: 600, probeIntervalMs: 1000 });
  const lines = (): unknown[] =>
    served.server.lines.filter(({ event }) => event === "probe").map((line) => line["value"]);
  await until("two rounds have failed", () => lines().length >= 2);
  expect(new Set(lines())).toEqual(
    new Set(["[dns] upstream probe: 192.0.2.77 port 53 did not answer . NS within 600 ms"]),
  );
});

test("closing takes no new queries at once, and what waits is answered within the grace time", async () => {
  await using served = await serve({ upstreams: [SILENT], timeoutMs: 5000 });
  const overUdp = served.dig("waiting.example.org", "A");
  const overTcp = served.dig("+tcp", "waiting.example.org", "A");
  await until("both wait", async () => statsShape.parse(await served.command("stats"))["waiting"] === 2);
  const closed = served.command("close 400");
  const late = await served.dig("+time=1", "one.example.org", "A");
  expect(late.rcode).toBeUndefined();
  expect(await overUdp).toMatchObject({ rcode: "SERVFAIL" });
  expect(await overTcp).toMatchObject({ rcode: "SERVFAIL" });
  await closed;
  expect(await served.server.process.end).toMatchObject({ exitCode: 0 });
});
