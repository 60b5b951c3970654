/**
 * Row 24: a resolver at an address of the sandbox that is not a loopback one, asked by packets that look like
 * the sidecar's own answers.
 */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { FAMILIES, skipWithoutFamily } from "../support/families.ts";
import { type JsonServer, startJsonServer } from "../support/json-server.ts";
import { SANDBOX_V4, SANDBOX_V6 } from "../support/lab.ts";
import { until } from "../support/until.ts";
import { useLab } from "../support/use-lab.ts";
import { attack, attackArgv, POLICY } from "./attack.ts";

const PORTS = ["53", "5300"];

const lab = useLab({ per: "test" });
let made: AsyncDisposableStack;
beforeEach(() => {
  made = new AsyncDisposableStack();
});
afterEach(() => made.disposeAsync());

describe.each(FAMILIES)("$name", (family) => {
  const own = family.name === "IPv4" ? SANDBOX_V4 : SANDBOX_V6;
  const answer = family.name === "IPv4" ? "198.51.100.20" : "2001:db8:100::20";
  const startResolvers = () =>
    Promise.all(
      PORTS.map(async (port) => {
        const argv = attackArgv("loopback_resolver", [own, port, answer, "0"]);
        return made.use(await startJsonServer(lab.sandbox, argv));
      }),
    );

  test("without a sidecar each is asked", async (context) => {
    skipWithoutFamily(context, lab, family);
    const resolvers = await startResolvers();
    await attack(lab, "own_resolver", own, "secret.three.example.org");
    const areAsked = () => resolvers.every(isAskedSecret);
    expect(await until("both are asked", areAsked)).toBe(true);
  });

  test("under the sidecar none is", async (context) => {
    skipWithoutFamily(context, lab, family);
    const resolvers = await startResolvers();
    const upstreams = PORTS.map((port) => (family.name === "IPv4" ? `${own}:${port}` : `[${own}]:${port}`));
    const env = { OPENSANDBOX_EGRESS_DNS_UPSTREAM: upstreams.join(",") };
    await lab.startSidecar({ policy: POLICY, env });
    await attack(lab, "own_resolver", own, "secret.three.example.org");
    expect(await lab.dig("-t", family.qtype, "asked.wild.example.org")).toMatchObject({
      addresses: [answer],
    });
    expect(resolvers.filter(isAskedSecret)).toEqual([]);
  });
});

function isAskedSecret({ lines }: JsonServer): boolean {
  return lines.some((line) => String(line["text"]).includes("secret"));
}
