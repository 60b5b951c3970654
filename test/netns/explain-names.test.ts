/**
 * What is explained of a name at a port is what becomes of a program that looks the name up and asks it for a
 * page, or sends it a datagram there: random policies, names that share addresses, and names that were last
 * looked up under another policy.
 */
import { fileURLToPath } from "node:url";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { WAIT_MS } from "../support/limits.ts";
import { useNamesSidecar } from "../support/names-sidecar.ts";
import type { Sidecar } from "../support/sidecar.ts";
import { useLab } from "../support/use-lab.ts";

const ADDRESSES: Readonly<Record<string, readonly string[]>> = {
  "first.shared.example.org": ["198.51.100.60", "2001:db8:100::60"],
  "second.shared.example.org": ["198.51.100.60", "2001:db8:100::60"],
  "both.shared.example.org": ["198.51.100.60", "198.51.100.61", "2001:db8:100::60"],
  "solo.example.org": ["198.51.100.61"],
};
const NAMES = Object.keys(ADDRESSES);
const PORTS = [80, 8080] as const;
const TARGETS = [
  ...NAMES,
  ...NAMES,
  "*.shared.example.org",
  "*.example.org",
  "198.51.100.60",
  "198.51.100.60/31",
  "2001:db8:100::60",
];

const lab = useLab({
  zone: Object.fromEntries(NAMES.map((name) => [name, { addresses: ADDRESSES[name] ?? [] }])),
  upstream: { ttlSeconds: 300 },
});

const anyAction = fc.constantFrom("allow", "deny");
const anyScope = fc.constantFrom<object>(
  { ports: [80] },
  { ports: [8080] },
  { ports: [7], protocol: "udp" },
  { protocol: "udp" },
  { protocol: "icmp" },
);
const anyRule = fc.oneof(
  { weight: 2, arbitrary: fc.record({ action: anyAction, target: fc.constantFrom(...TARGETS) }) },
  {
    weight: 4,
    arbitrary: fc
      .tuple(anyAction, fc.constantFrom(...TARGETS), anyScope)
      .map(([action, target, scope]) => ({ action, target, ...scope })),
  },
  { weight: 1, arbitrary: fc.tuple(anyAction, anyScope).map(([action, scope]) => ({ action, ...scope })) },
);
const anyRound = fc.record({
  policy: fc.record({
    defaultAction: anyAction,
    egress: fc.array(anyRule, { minLength: 1, maxLength: 6 }),
  }),
  audit: fc.oneof({ weight: 4, arbitrary: fc.constant(false) }, fc.constant(true)),
  lookedUp: fc.oneof(fc.constant(NAMES), fc.subarray(NAMES)),
});

type Kind = "http" | "udp";
type Attempt = readonly [kind: Kind, name: string, port: number];
const ATTEMPTS = NAMES.flatMap((name): readonly Attempt[] => [
  ...PORTS.map((port): Attempt => ["http", name, port]),
  ["udp", name, 7],
]);

async function tryAll(attempts: readonly Attempt[]): Promise<readonly boolean[]> {
  const script = fileURLToPath(new URL("../support/clients/by_name.py", import.meta.url));
  const argv = ["python3", script, JSON.stringify(attempts)] as const;
  const { stdout, stderr } = await lab.asWorkload(argv, { timeoutMs: 3 * WAIT_MS });
  if (stdout === "") throw new Error(stderr);
  return z
    .array(z.enum(["reached", "refused", "unknown"]))
    .parse(JSON.parse(stdout))
    .map((ending) => ending === "reached");
}

const explanationShape = z.looseObject({ reachable: z.boolean(), because: z.string() });

type Explanation = z.infer<typeof explanationShape>;

async function explain(sidecar: Sidecar, [kind, name, port]: Attempt): Promise<Explanation> {
  const protocol = kind === "http" ? "tcp" : kind;
  const answer = await sidecar.api("GET", `/explain?target=${name}&port=${port}&protocol=${protocol}`);
  expect([answer.status, answer.text]).toEqual([200, answer.text]);
  return explanationShape.parse(answer.json());
}

/** Nobody knows yet which address rules speak of it. */
const isUnknowable = ({ because }: Explanation): boolean => because.includes("not looked up yet");

describe.each(["known", "strict", "off"])("%s", (names) => {
  const on = useNamesSidecar(lab, names);

  test("a name is reached at a port if that was said", async () => {
    await fc.assert(
      fc.asyncProperty(anyRound, async ({ policy, audit, lookedUp }) => {
        await on.put("/policy", policy);
        await on.put("/audit", { enabled: audit });
        for (const name of lookedUp) await lab.dig(name, "A");
        for (const name of lookedUp) await lab.dig(name, "AAAA");
        const said: Explanation[] = [];
        for (const attempt of ATTEMPTS) said.push(await explain(on.sidecar(), attempt));
        const reached = await tryAll(ATTEMPTS);
        const told = ATTEMPTS.flatMap((attempt, index) => {
          const found = said[index];
          // Where no name is judged, what passes depends on what else is looked up meanwhile.
          const isAlone = lookedUp.length === NAMES.length || (attempt[0] === "http" && names !== "off");
          if (found === undefined || isUnknowable(found) || !isAlone) return [];
          return [
            { what: `${attempt.join(" ")}: ${found.because}`, said: found.reachable, is: reached[index] },
          ];
        });
        expect(told.filter((one) => one.said !== one.is)).toEqual([]);
      }),
      { numRuns: 10 },
    );
  });
});
