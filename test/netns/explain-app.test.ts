/**
 * What `explain` says of a connection by what it speaks is what becomes of it: random policies with and
 * without `app`, in and out of audit mode, over both families.
 */
import { fileURLToPath } from "node:url";
import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { execIn } from "../../src/netns/namespace.ts";
import { hex, KEXINIT, request, SSH_LINE, STARTUP } from "../support/app-octets.ts";
import { APP_PORTS, startAppServers } from "../support/app-servers.ts";
import type { JsonServer } from "../support/json-server.ts";
import { WAIT_MS } from "../support/limits.ts";
import { useNamesSidecar } from "../support/names-sidecar.ts";
import type { Sidecar } from "../support/sidecar.ts";
import { MAIN } from "../support/tested-program.ts";
import { useLab } from "../support/use-lab.ts";
import { helloFor } from "../wire-names/make-hello.ts";

const SPEAK = fileURLToPath(new URL("../support/clients/speak_many.py", import.meta.url));
const PORT = APP_PORTS.anything;
const [ONE, TWO, SOLO] = ["one.apps.example.org", "two.apps.example.org", "solo.apps.example.org"];
const ADDRESSES: Readonly<Record<string, readonly [string, string]>> = {
  [ONE]: ["198.51.100.50", "2001:db8:100::50"],
  [TWO]: ["198.51.100.50", "2001:db8:100::50"],
  [SOLO]: ["198.51.100.51", "2001:db8:100::51"],
};
const APPS = ["tls", "http", "ssh", "postgres", "other"] as const;
type Spoken = (typeof APPS)[number];

const lab = useLab({
  zone: Object.fromEntries(
    Object.entries(ADDRESSES).map(([name, addresses]) => [name, { addresses: [...addresses] }]),
  ),
  upstream: { ttlSeconds: 300 },
});
let servers: JsonServer;
beforeAll(async () => {
  servers = await startAppServers(lab);
});
afterAll(() => servers[Symbol.asyncDispose]());

const anyAction = fc.constantFrom("allow", "deny");
const anyTarget = fc.constantFrom(
  ONE,
  TWO,
  SOLO,
  "*.apps.example.org",
  "198.51.100.50",
  "198.51.100.48/29",
  "2001:db8:100::50",
  "2001:db8:100::/64",
);
const anyApp = fc.constantFrom<object>(
  ...["tls", "http", "ssh", "postgres", "any"].flatMap((app) => [{ ports: [PORT], app }, { app }]),
);
const anyRule = fc.oneof(
  { weight: 4, arbitrary: fc.record({ target: anyTarget, scope: anyApp, action: fc.constant("allow") }) },
  { weight: 1, arbitrary: fc.record({ scope: anyApp, action: fc.constant("allow") }) },
  { weight: 1, arbitrary: fc.record({ target: anyTarget, action: anyAction }) },
  {
    weight: 1,
    arbitrary: fc.record({
      target: anyTarget,
      action: anyAction,
      scope: fc.constant<object>({ ports: [PORT] }),
    }),
  },
);
const anyRound = fc.record({
  egress: fc.array(
    anyRule.map(({ action, ...rest }) => {
      const target = "target" in rest ? { target: rest.target } : {};
      return { action, ...target, ...("scope" in rest ? rest.scope : {}) };
    }),
    { minLength: 1, maxLength: 6 },
  ),
  defaultAction: fc.oneof({ weight: 4, arbitrary: fc.constant("deny") }, fc.constant("allow")),
  audit: fc.oneof({ weight: 4, arbitrary: fc.constant(false) }, fc.constant(true)),
});

const SAYS: Readonly<Record<Spoken, (name: string) => readonly string[]>> = {
  tls: (name) => [helloFor(name).toString("hex")],
  http: (name) => [request(name)],
  ssh: () => [SSH_LINE, KEXINIT],
  postgres: () => [STARTUP],
  other: () => [hex("EHLO there\r\n")],
};

type Attempt = readonly [address: string, port: number, parts: readonly string[]];

async function speakAll(attempts: readonly Attempt[]): Promise<readonly boolean[]> {
  const argv = ["python3", SPEAK, JSON.stringify(attempts)] as const;
  const { stdout, stderr } = await lab.asWorkload(argv, { timeoutMs: 3 * WAIT_MS });
  if (stdout === "") throw new Error(stderr);
  return z
    .array(z.string())
    .parse(JSON.parse(stdout))
    .map((answer) => answer !== "refused");
}

const explanationShape = z.looseObject({
  reachable: z.boolean(),
  because: z.string(),
  patch: z.looseObject({ allow: z.array(z.unknown()).optional() }),
  spoken: z.array(z.looseObject({ app: z.string(), passes: z.boolean() })).optional(),
  addresses: z.array(z.looseObject({ names: z.array(z.string()) })),
});

async function explain(sidecar: Sidecar, query: string) {
  const answer = await sidecar.api("GET", `/explain?${query}`);
  expect([answer.status, answer.text]).toEqual([200, answer.text]);
  return explanationShape.parse(answer.json());
}

/** Of one target and protocol: what is said with and without the protocol, and what is to be tried. */
interface Case {
  readonly what: string;
  readonly said: boolean;
  readonly attempts: readonly Attempt[];
}

async function casesOf(
  sidecar: Sidecar,
  target: string,
  addresses: readonly string[],
  isStrict: boolean,
): Promise<readonly Case[]> {
  const whole = await explain(sidecar, `target=${target}&port=${PORT}`);
  const cases: Case[] = [];
  for (const app of APPS) {
    const spoken = whole.spoken?.find((one) => one.app === app);
    // Strict refuses what shows no name, which is told only where a rule asks what is spoken.
    if (app === "other" && spoken === undefined && isStrict) continue;
    // Of a name that is denied it speaks of addresses that another name has opened.
    const ofAll = spoken && whole.reachable && spoken.passes;
    const asked =
      app === "other" ? undefined : await explain(sidecar, `target=${target}&port=${PORT}&app=${app}`);
    const said = asked?.reachable ?? ofAll ?? whole.reachable;
    expect([target, app, ofAll ?? said]).toEqual([target, app, said]);
    const isName = target in ADDRESSES;
    const owners = whole.addresses[0]?.names ?? [];
    // What shows a name may show any that has given the address.
    const names = isName ? [target] : owners.length > 0 ? owners : ["nobody.example.org"];
    const attempts = addresses.flatMap((address) =>
      names.map((name): Attempt => [address, PORT, SAYS[app](name)]),
    );
    cases.push({ what: `${app} to ${target}: ${asked?.because ?? whole.because}`, said, attempts });
  }
  return cases;
}

describe.each(["known", "strict"])("%s", (names) => {
  const on = useNamesSidecar(lab, names);

  test("what is said of what a connection speaks is what becomes of it", async () => {
    await fc.assert(
      fc.asyncProperty(anyRound, async ({ egress, defaultAction, audit }) => {
        await on.put("/policy", { egress, defaultAction });
        await on.put("/audit", { enabled: audit });
        const cases: Case[] = [];
        const found: Record<string, readonly string[]> = {};
        for (const name of Object.keys(ADDRESSES)) {
          const qtypes = lab.ipv6 ? ["A", "AAAA"] : ["A"];
          const answers = await Promise.all(qtypes.map((qtype) => lab.dig(name, qtype)));
          found[name] = answers.flatMap((answer) => answer.addresses);
        }
        for (const [name, addresses] of Object.entries(found))
          cases.push(...(await casesOf(on.sidecar(), name, addresses, names === "strict")));
        for (const address of [...(ADDRESSES[ONE] ?? []), ...(ADDRESSES[SOLO] ?? [])])
          if (lab.ipv6 || !address.includes(":"))
            cases.push(...(await casesOf(on.sidecar(), address, [address], names === "strict")));
        const passed = await speakAll(cases.flatMap(({ attempts }) => attempts));
        let at = 0;
        const seen = cases.map(({ what, attempts }) => {
          const part = passed.slice(at, (at += attempts.length));
          return [what, part.includes(true)];
        });
        expect(seen).toEqual(cases.map(({ what, said }) => [what, said]));
      }),
      { numRuns: 6 },
    );
  });

  test("what is refused is allowed by the patch, and nothing else is", async () => {
    await on.put("/audit", { enabled: false });
    await on.put("/policy", { egress: [{ action: "allow", target: SOLO, ports: [PORT], app: "http" }] });
    await lab.dig(SOLO, "A");
    const query = `target=${SOLO}&port=${PORT}&app=ssh`;
    const before = await explain(on.sidecar(), query);
    expect(before).toMatchObject({
      reachable: false,
      patch: { allow: [{ action: "allow", target: SOLO, ports: [PORT], app: "ssh" }] },
    });
    const [address = ""] = ADDRESSES[SOLO] ?? [];
    const attempts = APPS.map((app): Attempt => [address, PORT, SAYS[app](SOLO)]);
    expect(await speakAll(attempts)).toEqual([false, true, false, false, false]);
    await on.sidecar().api("PATCH", "/policy", { body: before.patch.allow });
    expect(await explain(on.sidecar(), query)).toMatchObject({ reachable: true });
    expect(await speakAll(attempts)).toEqual([false, true, true, false, false]);
  });

  test("without what is spoken it is told what depends on it, by the command too", async () => {
    await on.put("/policy", { egress: [{ action: "allow", target: SOLO, ports: [PORT], app: "ssh" }] });
    const rule = `${SOLO} tcp/${PORT} app ssh`;
    const found = await explain(on.sidecar(), `target=${SOLO}&port=${PORT}`);
    expect(found).toMatchObject({ reachable: true });
    expect(found.because).toContain(
      `what it speaks decides: tls is refused (tls, which no rule allows there), http is refused (http, which no rule allows there), ssh passes by rule ${rule}, postgres is refused (postgres, which no rule allows there), what is none of these is refused`,
    );
    const portless = await explain(on.sidecar(), `target=${SOLO}`);
    expect(portless.because).toContain(`rule ${rule} asks what is spoken: give its port and app`);
    const command = async (...args: readonly string[]) => {
      const argv = [process.execPath, MAIN, "explain", "--socket", on.sidecar().socketPath, ...args] as const;
      return execIn(lab.sandbox, argv, { env: { PATH: process.env["PATH"] } });
    };
    const yes = await command(`${SOLO}:${PORT}/ssh`);
    expect([yes.exitCode, yes.stdout]).toEqual([0, expect.stringContaining(`ssh passes by rule ${rule}`)]);
    const no = await command(`${SOLO}:${PORT}/tls`);
    expect([no.exitCode, no.stdout]).toEqual([
      1,
      expect.stringContaining(`to allow it: egress policy patch --allow ${SOLO}:${PORT}/tls`),
    ]);
    expect(await command(`${SOLO}:${PORT}/smtp`)).toMatchObject({ exitCode: 64 });
    expect(await command("--protocol", "udp", `${SOLO}:${PORT}/ssh`)).toMatchObject({ exitCode: 64 });
  });
});
