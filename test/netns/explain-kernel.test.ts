/**
 * What is explained is what the real data plane does: random policies, in and out of audit mode, names,
 * addresses and ports.
 */
import { fileURLToPath } from "node:url";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { z } from "zod";
import { type Sidecar, WITHOUT_BOUNDS } from "../support/sidecar.ts";
import { useLab } from "../support/use-lab.ts";
import { WAIT_MS } from "../support/limits.ts";

const lab = useLab({ upstream: { ttlSeconds: 300 } });

const NAMES = ["one.example.org", "two.example.org", "three.example.org", "a.wild.example.org", "localhost"];
const TARGETS =
  "one.example.org two.example.org *.example.org *.wild.example.org a.wild.example.org 198.51.100.1 198.51.100.2 198.51.100.0/30 198.51.100.0/24 203.0.113.7 203.0.113.0/25 2001:db8:100::1 2001:db8:100::/64 2001:db8:100::/56 0.0.0.0/0 ::/0 192.0.2.0/24".split(
    " ",
  );
const V4 =
  "198.51.100.1 198.51.100.2 198.51.100.3 198.51.100.20 203.0.113.7 203.0.113.200 192.0.2.1 192.0.2.2 192.0.2.255 224.0.0.251 255.255.255.255 127.0.0.1 0.0.0.0".split(
    " ",
  );
const V6 = "2001:db8:100::1 2001:db8:100::2 2001:db8:100::7 2001:db8:100:f0::1 2001:db8::2 ::1 ::".split(" ");
/** Those of the web server, of resolvers, of DNS over TLS, and others. */
const PORTS = [7, 80, 53, 853, 443];

const anyAction = fc.constantFrom("allow", "deny");
/** Scopes that hold some of the ports, of one protocol or two. */
const anyScope = fc.constantFrom<object>(
  { ports: [80] },
  { ports: [7, "400-500"] },
  { ports: [7, 80], protocol: "udp" },
  { ports: ["1-65535"], protocol: "tcp" },
  { protocol: "udp" },
  { protocol: "icmp" },
);
/** What is said behind a first packet is for `explain-app.test.ts`. */
const anyApp = fc.constantFrom<object>(
  { ports: [80], app: "ssh" },
  { app: "tls" },
  { ports: [80], app: "any" },
);
const anyPolicy = fc.record({
  defaultAction: anyAction,
  egress: fc.array(
    fc.oneof(
      fc.record({ action: anyAction, target: fc.constantFrom(...TARGETS) }),
      fc
        .tuple(anyAction, fc.constantFrom(...TARGETS), anyScope)
        .map(([action, target, scope]) => ({ action, target, ...scope })),
      fc.tuple(anyAction, anyScope).map(([action, scope]) => ({ action, ...scope })),
      fc
        .tuple(fc.constantFrom(...TARGETS), anyApp)
        .map(([target, scope]) => ({ action: "allow", target, ...scope })),
    ),
    { maxLength: 6 },
  ),
});
const anyRound = fc.record({ policy: anyPolicy, audit: fc.boolean(), shift: fc.nat(PORTS.length - 1) });

type Attempt = readonly [kind: "udp" | "tcp" | "lookup", place: string, port: number];

async function tryAll(attempts: readonly Attempt[]): Promise<readonly string[]> {
  const script = fileURLToPath(new URL("../support/clients/try_many.py", import.meta.url));
  const argv = ["python3", script, JSON.stringify(attempts)] as const;
  const { stdout, stderr } = await lab.asWorkload(argv, { timeoutMs: 3 * WAIT_MS });
  if (stdout === "") throw new Error(stderr);
  const endings = z.array(z.string()).parse(JSON.parse(stdout));
  return endings.map((ending) => (["EPERM", "ECONNREFUSED"].includes(ending) ? "refused" : ending));
}

const explanationShape = z.looseObject({
  because: z.string(),
  name: z.looseObject({ answer: z.string() }).optional(),
  addresses: z.array(z.looseObject({ kernel: z.looseObject({ passes: z.boolean(), by: z.string() }) })),
});

async function explain(sidecar: Sidecar, query: string) {
  return explanationShape.parse((await sidecar.api("GET", `/explain?${query}`)).json());
}

/** What is said of a lookup, in the words of what a client sees. */
const SEEN: Readonly<Record<string, string>> = {
  own: "rcode 0, data",
  asked: "rcode 0, data",
  nxdomain: "rcode 3, no data",
  nodata: "rcode 0, no data",
};

/** An address rule may take the only address out of an answer that is asked for. */
async function lookupSaid(sidecar: Sidecar, name: string): Promise<string> {
  const found = await explain(sidecar, `target=${name}`);
  if (found.because.includes("taken out of the answer")) return "rcode 0, no data";
  return SEEN[found.name?.answer ?? ""] ?? "";
}

async function connectionSaid(sidecar: Sidecar, [kind, place, port]: Attempt): Promise<string> {
  const found = await explain(sidecar, `target=${place}&port=${port}&protocol=${kind}`);
  return found.addresses[0]?.kernel.passes === true ? "passes" : "refused";
}

const portOf = (place: number): number => PORTS[place % PORTS.length] ?? 7;

function attemptsOf(shift: number): readonly Attempt[] {
  const addresses = lab.ipv6 ? [...V4, ...V6] : V4;
  const datagrams = addresses.flatMap((address, index): readonly Attempt[] => [
    ["udp", address, portOf(index + shift)],
    ["udp", address, portOf(index + shift + 2)],
  ]);
  const web = ["198.51.100.1", "203.0.113.7"].map((address): Attempt => ["tcp", address, 80]);
  return [...datagrams, ...web];
}

test("the kernel and the resolver do what is explained", async () => {
  const sidecar = await lab.startSidecar({ policy: {}, env: WITHOUT_BOUNDS });
  const set = async (path: string, body: unknown): Promise<void> => {
    expect(await sidecar.api("PUT", path, { body })).toMatchObject({ status: 200 });
  };
  await fc.assert(
    fc.asyncProperty(anyRound, async ({ policy, audit, shift }) => {
      await set("/policy", policy);
      await set("/audit", { enabled: audit });
      const answers = await tryAll(NAMES.map((name) => ["lookup", name, 53]));
      const said: string[] = [];
      for (const name of NAMES) said.push(await lookupSaid(sidecar, name));
      expect(NAMES.map((name, index) => [name, answers[index]])).toEqual(
        NAMES.map((name, index) => [name, said[index]]),
      );
      const attempts = attemptsOf(shift);
      const expected: string[] = [];
      for (const attempt of attempts)
        expected.push(`${attempt.join(" ")}: ${await connectionSaid(sidecar, attempt)}`);
      const endings = await tryAll(attempts);
      expect(attempts.map((attempt, index) => `${attempt.join(" ")}: ${endings[index]}`)).toEqual(expected);
    }),
    { numRuns: 20 },
  );
});
