/**
 * `egress run` on machines whose routes, routing rules or firewall stand in the way: it works, or says what
 * does while the lookup waits.
 */
import { expect, test } from "vitest";
import { configure, execIn } from "../../src/netns/namespace.ts";
import { INTERNET_V4, SANDBOX_V4 } from "../support/lab.ts";
import { until } from "../support/until.ts";
import { useLab } from "../support/use-lab.ts";
import { useMachine } from "../support/use-machine.ts";

const lab = useLab();
const machine = useMachine(lab);

const FETCH = [
  "--allow",
  "one.example.org",
  "--",
  "curl",
  "-sS",
  "--max-time",
  "5",
  "http://one.example.org/",
];
const HELLO = "hello from 198.51.100.1\n";

test.each([
  ["both halves of everything", ["0.0.0.0/1", "128.0.0.0/1"]],
  [
    "all private ranges, and the one for test networks",
    ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "198.18.0.0/15"],
  ],
])("a run finds room beside a VPN that routes %s", async (_case, prefixes) => {
  const routes = prefixes.map((prefix) => `${prefix} via ${INTERNET_V4}`);
  await configure(
    lab.sandbox,
    routes.map((route) => `route add ${route}`),
  );
  const result = await machine.run(FETCH);
  await configure(
    lab.sandbox,
    routes.map((route) => `route del ${route}`),
  );
  expect(result).toMatchObject({ exitCode: 0, stdout: HELLO });
  expect(result.stderr).not.toContain("no resolver has answered");
});

/** As an exit node of a VPN does: a table of its own with a default route, looked at before the main one. */
async function withRulesOfVpn<T>(action: () => Promise<T>): Promise<T> {
  const lines = [`route add default via ${INTERNET_V4} table 52`, "rule add pref 5270 lookup 52"];
  await configure(lab.sandbox, lines);
  try {
    return await action();
  } finally {
    await configure(lab.sandbox, ["rule del pref 5270", "route flush table 52"]);
  }
}

test("a rule before those of a VPN brings answers back, until the run's end", async () => {
  const result = await withRulesOfVpn(() => machine.run(FETCH));
  expect(result).toMatchObject({ exitCode: 0, stdout: HELLO });
  expect(result.stderr).toMatch(
    /routing rules .* one to 10\.213\.\d+\.\d+ stands before them, until the end/,
  );
});

test("the rule of a killed run is removed by the next one", async () => {
  const rules = await withRulesOfVpn(async () => {
    const run = await machine.startReady(["--", "sh", "-c", "echo ready; exec sleep 60"]);
    run.process.kill("SIGKILL");
    await run.end;
    await until("its link is gone", async () => (await machine.state()).links.length === 0);
    return (await machine.state()).rules;
  });
  expect(rules).toMatch(/^1:from all to 10\.213\.\d+\.\d+ lookup main proto 213$/m);
  const { exitCode, stderr } = await machine.run(["--clean"]);
  expect(exitCode).toBe(0);
  expect(stderr).toMatch(/an ended run has left routing rule to 10\.213\.\d+\.\d+: undone/);
});

const DROPPED = /this machine lets nothing through that comes from 10\.213\.\d+\.\d+;/;

test.each([
  ["drops what is forwarded by its policy", "forward", "policy drop;", INTERNET_V4, DROPPED],
  ["rejects what is forwarded by its last rule", "forward", "counter reject", INTERNET_V4, DROPPED],
  [
    "drops lookups to a resolver of its own",
    "input",
    "udp dport 53 drop; tcp dport 53 drop",
    SANDBOX_V4,
    DROPPED,
  ],
  [
    "drops what comes back",
    "forward",
    "ip daddr 10.213.0.0/16 drop",
    INTERNET_V4,
    /answers come back to this machine, and do not reach 10\.213\.\d+\.\d+;/,
  ],
  [
    "does nothing, but the resolver is dead",
    "forward",
    "counter",
    "192.0.2.99",
    /what comes from 10\.213\.\d+\.\d+ leaves this machine, and nothing comes back/,
  ],
])(
  "if the machine's firewall %s, that is said while the lookup waits",
  async (_case, hook, rules, upstream, said) => {
    await execIn(lab.sandbox, ["nft", "-f", "-"], {
      input: `table ip filter { chain c { type filter hook ${hook} priority 0; ${rules}; }; }`,
    });
    const env = { OPENSANDBOX_EGRESS_DNS_UPSTREAM: upstream, OPENSANDBOX_EGRESS_DNS_UPSTREAM_TIMEOUT: "60" };
    const run = machine.start(["--allow", "one.example.org", "--", "dig", "+time=60", "one.example.org"], {
      env,
    });
    await until(
      "it is said",
      () => run.process.hasEnded() || run.stderr().includes("no resolver has answered"),
    );
    expect({ isWaiting: !run.process.hasEnded(), stderr: run.stderr() }).toEqual({
      isWaiting: true,
      stderr: expect.stringMatching(said),
    });
    expect(run.stderr()).toContain(`no resolver has answered (asked: ${upstream})`);
    run.process.kill("SIGINT");
    await run.end;
    await execIn(lab.sandbox, ["nft", "delete", "table", "ip", "filter"]);
  },
);
