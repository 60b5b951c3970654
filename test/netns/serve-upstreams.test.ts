/** More than one upstream: which one is asked when some are dead, silent or unwilling, over IPv4 and IPv6. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { requireCommand } from "../../src/netns/command.ts";
import { missingTools } from "../../src/netns/find-tool.ts";
import { argvIn } from "../../src/netns/namespace.ts";
import type { Sidecar } from "../support/sidecar.ts";
import { skipBecause } from "../support/skip.ts";
import { MAIN } from "../support/tested-program.ts";
import { startUnbound, type Unbound } from "../support/unbound.ts";
import { useLab } from "../support/use-lab.ts";

const POLICY = { egress: [{ action: "allow", target: "*.example.org" }] };
const UNBOUND = "203.0.113.54";
/** Answers with an ICMP error: nobody listens there. */
const CLOSED = "203.0.113.99";
/** On the link, and no machine has it: nothing ever comes back. */
const SILENT = "192.0.2.77";

const lab = useLab({ zone: { "refused.example.org": { addresses: ["198.51.100.50"] } } });
let unbound: Unbound | undefined;
beforeAll(async () => {
  if (missingTools(["unbound"], process.env["PATH"] ?? "").length > 0) return;
  unbound = await startUnbound(lab.internet, {
    address: UNBOUND,
    lines: [
      'local-zone: "example.org." static',
      'local-data: "one.example.org. 60 IN A 198.51.100.77"',
      'local-zone: "refused.example.org." always_refuse',
    ],
  });
});
afterAll(async () => {
  await unbound?.[Symbol.asyncDispose]();
});

async function startWith(upstreams: string, env: Record<string, string> = {}): Promise<Sidecar> {
  return lab.startSidecar({
    policy: POLICY,
    env: {
      OPENSANDBOX_EGRESS_POLICY_FILE: undefined,
      OPENSANDBOX_EGRESS_DNS_UPSTREAM: upstreams,
      ...env,
    },
  });
}

test.each([
  { how: "refuses", upstream: CLOSED },
  { how: "is silent", upstream: SILENT },
])("the second upstream answers when the first one $how", async ({ upstream }) => {
  await using _sidecar = await startWith(`${upstream},192.0.2.1`);
  for (const transport of ["+notcp", "+tcp"]) {
    expect(await lab.dig(transport, "one.example.org", "A")).toMatchObject({ addresses: ["198.51.100.1"] });
  }
});

test("when no upstream answers, the client is told so within the time limit", async () => {
  await using _sidecar = await startWith(`${CLOSED},${SILENT}`, {
    OPENSANDBOX_EGRESS_DNS_UPSTREAM_TIMEOUT: "1",
  });
  expect(await lab.dig("+time=5", "one.example.org", "A")).toMatchObject({
    rcode: "SERVFAIL",
    addresses: [],
  });
});

test("an upstream with IPv6 is asked over IPv6", async (context) => {
  if (!lab.ipv6) skipBecause(context, "this machine has no IPv6");
  await using _sidecar = await startWith("[2001:db8::1]:53");
  expect(await lab.dig("three.example.org", "AAAA")).toMatchObject({ addresses: ["2001:db8:100::3"] });
  const asked = lab.upstream.questions().filter(({ qname }) => qname.toLowerCase() === "three.example.org");
  expect(asked.map(({ from }) => from)).toEqual(["2001:db8::2"]);
});

test("an upstream of another make is asked and answers, and never about a denied name", async (context) => {
  if (unbound === undefined) skipBecause(context, "unbound is not installed");
  await using _sidecar = await startWith(UNBOUND);
  expect(await lab.dig("one.example.org", "A")).toMatchObject({ addresses: ["198.51.100.77"] });
  expect(await lab.curl("http://one.example.org/")).toMatchObject({ body: "hello from 198.51.100.77\n" });
  expect(await lab.dig("nowhere.example.org", "A")).toMatchObject({ rcode: "NXDOMAIN", ede: undefined });
  expect(await lab.dig("denied.example.com", "A")).toMatchObject({ rcode: "NXDOMAIN" });
  expect(unbound.qnames()).toContain("one.example.org");
  expect(unbound.qnames()).toContain("nowhere.example.org");
  expect(unbound.qnames()).not.toContain("denied.example.com");
});

test("an upstream that refuses a name is passed over", async (context) => {
  if (unbound === undefined) skipBecause(context, "unbound is not installed");
  await using _sidecar = await startWith(`${UNBOUND},192.0.2.1`);
  expect(await lab.dig("refused.example.org", "A")).toMatchObject({ addresses: ["198.51.100.50"] });
  expect(unbound.qnames()).toContain("refused.example.org");
});

const NO_SETTING = {
  policy: POLICY,
  env: { OPENSANDBOX_EGRESS_POLICY_FILE: undefined, OPENSANDBOX_EGRESS_DNS_UPSTREAM: undefined },
};

test("without a setting the upstreams are those of resolv.conf", async () => {
  await requireCommand(argvIn(lab.sandbox, ["nft", "flush", "ruleset"]));
  await using _sidecar = await lab.startSidecar(NO_SETTING);
  expect(await lab.dig("@203.0.113.53", "two.example.org", "A")).toMatchObject({
    addresses: ["198.51.100.2"],
  });
});

test("upstreams that a setting named do not outlive it", async () => {
  await requireCommand(argvIn(lab.sandbox, ["nft", "flush", "ruleset"]));
  const env = { ...NO_SETTING.env, OPENSANDBOX_EGRESS_DNS_UPSTREAM: "203.0.113.53,[2001:db8:1ff::53]:53" };
  const first = await lab.startSidecar({ ...NO_SETTING, env });
  await first.kill("SIGKILL");
  await using second = await lab.startSidecar(NO_SETTING);
  expect((await second.api("GET", "/status")).json()).toMatchObject({
    upstreams: [{ address: "192.0.2.1", port: 53 }],
  });
});

test("a restart believes the upstreams in the kernel, not a resolv.conf that was written meanwhile", async (context) => {
  if (unbound === undefined) skipBecause(context, "unbound is not installed");
  await requireCommand(argvIn(lab.sandbox, ["nft", "flush", "ruleset"]));
  const first = await lab.startSidecar(NO_SETTING);
  await first.kill("SIGKILL");
  // What a workload does that shares the file: its own resolver would answer with 198.51.100.77.
  const forged = `echo "nameserver ${UNBOUND}" > "$0/resolv.conf" && mount --bind "$0/resolv.conf" /etc/resolv.conf && exec "$@"`;
  await using _second = await lab.startSidecar({
    ...NO_SETTING,
    program: ["sh", "-c", forged, lab.stateFolder, process.execPath, MAIN, "serve"],
  });
  expect(await lab.dig("one.example.org", "A")).toMatchObject({ addresses: ["198.51.100.1"] });
});
