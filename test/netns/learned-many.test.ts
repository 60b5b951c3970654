/**
 * More than 100,000 learned addresses at once: lookups go on, the bound takes the oldest, and a restart takes
 * them over.
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { requireCommand } from "../../src/netns/command.ts";
import { argvIn } from "../../src/netns/namespace.ts";
import { urlAt } from "../support/curl.ts";
import { readAddresses } from "../support/kernel-sets.ts";
import type { Sidecar } from "../support/sidecar.ts";
import { until } from "../support/until.ts";
import { useLab } from "../support/use-lab.ts";

const BOUND = 114_688;
/**
 * A wildcard's names, and each name's addresses in each family: 8,000 below each wildcard, which may have
 * 8,192.
 */
const [NAMES, ADDRESSES] = [32, 125];
const OF_WILDCARD = NAMES * ADDRESSES * 2;
/** So many wildcards are above 100,000 addresses, and two more above the bound. */
const [MANY, ALL] = [13, 15];

const POLICY = {
  egress: [
    { action: "allow", target: "one.example.org" },
    ...Array.from({ length: ALL }, (_, index) => ({ action: "allow", target: `*.w${index}.example.org` })),
  ],
};
const learnedShape = z.looseObject({
  learned: z.looseObject({ total: z.number(), bound: z.number() }),
});

const nameOf = (wildcard: number, index: number): string => `n${index}.w${wildcard}.example.org`;
/** The lab's internet answers at the second. */
function addressesOf(wildcard: number, index: number, place: number): readonly [v4: string, v6: string] {
  const number = (wildcard * NAMES + index) * ADDRESSES + place;
  const v4 = `198.${18 + (number >> 16)}.${(number >> 8) & 255}.${number & 255}`;
  return [v4, `2001:db8:100:${wildcard + 16}::${index.toString(16)}:${place.toString(16)}`];
}

const folder = await mkdtemp(join(tmpdir(), "egress-hosts-"));
const hosts = join(folder, "hosts");
beforeAll(async () => {
  const lines: string[] = [];
  for (let wildcard = 0; wildcard < ALL; wildcard++)
    for (let index = 0; index < NAMES; index++)
      for (let place = 0; place < ADDRESSES; place++)
        for (const address of addressesOf(wildcard, index, place))
          lines.push(`${address} ${nameOf(wildcard, index)}\n`);
  await writeFile(hosts, lines.join(""));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const lab = useLab({ upstream: { ttlSeconds: 300, extra: [`addn-hosts=${hosts}`] } });
let sidecar: Sidecar;
beforeAll(async () => {
  sidecar = await lab.startSidecar({ policy: POLICY });
});

/**
 * Looks all names of some wildcards up, in their order; again where the lab's internet, which makes a process
 * for each large answer, gave none.
 */
async function lookUp(first: number, end: number): Promise<void> {
  for (let wildcard = first; wildcard < end; wildcard++) {
    const questions = Array.from({ length: NAMES }, (_, index) => nameOf(wildcard, index)).flatMap((name) => [
      name,
      "A",
      name,
      "AAAA",
    ]);
    await until(`all below wildcard ${wildcard} are answered`, async () => {
      const { stdout } = await lab.asWorkload(["dig", "+tcp", "+short", ...questions]);
      return stdout.match(/^[0-9a-f][0-9a-f.:]+$/gm)?.length === OF_WILDCARD;
    });
  }
}

async function readStatus(): Promise<z.infer<typeof learnedShape>> {
  return learnedShape.parse((await sidecar.api("GET", "/status?limit=1")).json());
}
/**
 * It does not answer while it compares so many addresses with the kernel's, and then may close connections
 * that it takes for idle.
 */
async function isHealthy(): Promise<boolean> {
  const answer = await sidecar.api("GET", "/healthz").catch(() => undefined);
  return answer?.status === 200;
}
/** Whose address it is does not matter: any name that is allowed is good at any address of one. */
async function isReached(address: string): Promise<boolean> {
  return (await lab.curl(...urlAt(address, "http://one.example.org/"))).status === 200;
}

test("104,000 addresses are learned, and the next lookup is as good as any", async () => {
  await lookUp(0, MANY);
  expect((await readStatus()).learned).toMatchObject({ total: MANY * OF_WILDCARD, bound: BOUND });
  for (const set of ["v4", "v6"])
    expect(await readAddresses(lab.sandbox, `dyn_allow_${set}`)).toHaveLength((MANY * OF_WILDCARD) / 2);
  expect(await lab.dig("one.example.org", "A")).toMatchObject({ addresses: ["198.51.100.1"] });
  expect(await isReached("198.51.100.1")).toBe(true);
  const [, first] = addressesOf(0, 0, 0);
  expect(await isReached(first)).toBe(true);
});

test("what comes above the bound takes the place of the oldest", async () => {
  await lookUp(MANY, ALL);
  expect((await readStatus()).learned.total).toBe(BOUND);
  const [v4, v6] = [
    await readAddresses(lab.sandbox, "dyn_allow_v4"),
    await readAddresses(lab.sandbox, "dyn_allow_v6"),
  ];
  expect(v4.length + v6.length).toBe(BOUND);
  const [oldest, latest] = [addressesOf(0, 0, 0), addressesOf(ALL - 1, NAMES - 1, ADDRESSES - 1)];
  expect([v4.includes(oldest[0]), v6.includes(oldest[1])]).toEqual([false, false]);
  expect([v4.includes(latest[0]), v6.includes(latest[1])]).toEqual([true, true]);
  expect([await isReached(oldest[1]), await isReached(latest[1])]).toEqual([false, true]);
});

test("after drift all of them are in force again", async () => {
  const [, latest] = addressesOf(ALL - 1, NAMES - 1, ADDRESSES - 1);
  await requireCommand(argvIn(lab.sandbox, ["nft", "flush", "set", "inet", "opensandbox", "dyn_allow_v6"]));
  await until("the address is reached again", () => isReached(latest));
  await until("it is healthy", isHealthy);
  const sets = await Promise.all(
    ["v4", "v6"].map((family) => readAddresses(lab.sandbox, `dyn_allow_${family}`)),
  );
  expect(sets.flat()).toHaveLength(BOUND);
});

test("a restart takes them over with their names", async () => {
  await sidecar.kill("SIGKILL");
  sidecar = await lab.startSidecar({ policy: POLICY });
  expect((await readStatus()).learned.total).toBe(BOUND);
  const [, latest] = addressesOf(ALL - 1, NAMES - 1, ADDRESSES - 1);
  expect(await isReached(latest)).toBe(true);
  expect(await lab.dig("one.example.org", "AAAA")).toMatchObject({ addresses: ["2001:db8:100::1"] });
  // Whose they are has been handed over, too: a change takes those of one wildcard out.
  const rule = { action: "deny", target: `*.w${ALL - 1}.example.org` };
  expect(await sidecar.api("PATCH", "/policy", { body: [rule] })).toMatchObject({ status: 200 });
  expect(await isReached(latest)).toBe(false);
  // The address that has just been learned took the place of one, and that may have been one of these.
  const { total } = (await readStatus()).learned;
  expect([BOUND - OF_WILDCARD, BOUND - OF_WILDCARD + 1]).toContain(total);
});
