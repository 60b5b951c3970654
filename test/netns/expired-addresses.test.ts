/**
 * What is said of addresses whose time is over, of names that rules still allow: the next lookup opens them
 * again. Takes the shortest life there is, 60 s.
 */
import { beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { execIn } from "../../src/netns/namespace.ts";
import { WAIT_MS } from "../support/limits.ts";
import type { Sidecar } from "../support/sidecar.ts";
import { MAIN } from "../support/tested-program.ts";
import { until } from "../support/until.ts";
import { useLab } from "../support/use-lab.ts";

const lab = useLab({
  zone: {
    "first.shared.example.org": { addresses: ["198.51.100.60"] },
    "second.shared.example.org": { addresses: ["198.51.100.60"] },
  },
  upstream: { ttlSeconds: 0 },
});
const PLACES = [
  ["one.example.org", 80],
  ["first.shared.example.org", 80],
  ["second.shared.example.org", 8080],
] as const;

const explanationShape = z.looseObject({
  reachable: z.boolean(),
  because: z.string(),
  patch: z.looseObject({ allow: z.array(z.unknown()) }),
  addresses: z.array(z.looseObject({ kernel: z.looseObject({ passes: z.boolean() }) })),
});
async function explain(query: string): Promise<z.infer<typeof explanationShape>> {
  return explanationShape.parse((await sidecar.api("GET", `/explain?target=${query}`)).json());
}

let sidecar: Sidecar;
beforeAll(async () => {
  const egress = PLACES.map(([target, port]) => ({ action: "allow", target, ports: [port] }));
  sidecar = await lab.startSidecar({ policy: { egress } });
  for (const [name] of PLACES) await lab.dig(name, "A");
  const isOpen = async ([name, port]: (typeof PLACES)[number]): Promise<boolean> =>
    (await explain(`${name}&port=${port}`)).addresses.some(({ kernel }) => kernel.passes);
  await until("all are open", async () => !(await Promise.all(PLACES.map(isOpen))).includes(false));
  await until(
    "the time of all is over",
    async () => !(await Promise.all(PLACES.map(isOpen))).includes(true),
    2 * WAIT_MS,
  );
});

const isTold = (line: Readonly<Record<string, unknown>>) => line["msg"] === "connection denied";

test("a connection to such an address is refused for that reason, in the log and by the command", async () => {
  expect(await lab.curl("http://198.51.100.1/")).toMatchObject({ exitCode: 7 });
  const line = await until("it is told", () => sidecar.logs().find(isTold));
  expect(line).toMatchObject({ "target.host": "one.example.org", layer: "default", reason: "expired" });
  const argv = [process.execPath, MAIN, "log", "--socket", sidecar.socketPath, "--denied"] as const;
  const { stdout } = await execIn(lab.sandbox, argv, { env: { PATH: process.env["PATH"] } });
  expect(stdout).toContain(
    "tcp 198.51.100.1:80 (one.example.org): the lookup that gave the address is too long ago: it must be looked up again",
  );
});

test("an allowed name can be reached, and nothing has to change for that", async () => {
  for (const [name, port] of PLACES) {
    const other = await explain(`${name}&port=443`);
    expect(other).toMatchObject({ reachable: false, patch: { allow: [{ target: name, ports: [443] }] } });
    const found = await explain(`${name}&port=${port}`);
    expect(found).toMatchObject({ reachable: true, patch: { allow: [] } });
    expect(found.because).toContain("the time of its last lookup is over, and the next one opens");
  }
  for (const [name, port] of PLACES)
    expect(await lab.curl("-4", `http://${name}:${port}/`)).toMatchObject({ status: 200 });
});
