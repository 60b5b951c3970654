/**
 * What `egress run` says of what its command was denied: at once, with the reason, and at the end as options
 * to paste.
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { writeResolvConf } from "../../src/netns/namespace.ts";
import { createMachine, type Machine } from "../support/machine.ts";
import { until } from "../support/until.ts";
import { useLab } from "../support/use-lab.ts";

const lab = useLab({ ipv6: false });
let machine: Machine;
beforeAll(async () => {
  machine = createMachine(lab);
});

/** Says nothing itself: it writes a line in parts, and ours could come between them. */
const CURL = "curl -s --max-time 5";

/** What was said of denials, without the run's other notices and without what the command itself wrote. */
const said = (stderr: string): readonly string[] =>
  stderr
    .split("\n")
    .filter((line) => line.startsWith("egress run: ") && !line.includes("this machine now"))
    .map((line) => line.replace("egress run: ", ""));

test("a denied name is told while the command still runs, counted once, and never asked of the machine's resolver", async () => {
  const script = `${CURL} http://two.example.org/; ${CURL} http://two.example.org/; read go; ${CURL} http://198.51.100.1/`;
  const run = machine.start(["--allow", "one.example.org", "--", "sh", "-c", script]);
  await until("the denial is told", () => run.stderr().includes("denied two.example.org"));
  expect(run.process.hasEnded()).toBe(false);
  run.process.stdin.end("go\n");
  const { exitCode, stderr } = await run.end;
  expect(exitCode).toBe(7);
  expect(said(stderr)).toEqual([
    "denied two.example.org (no rule allows it)",
    "denied 198.51.100.1 tcp 80 (no rule allows it)",
    "denied 1 name and 1 address; to allow them:",
    "  --allow two.example.org --allow 198.51.100.1",
  ]);
  const asked = lab.upstream.questions().map(({ qname }) => qname.toLowerCase());
  expect(asked).not.toContain("two.example.org");
});

test("the options that it prints are those that let the command through", async () => {
  const command = ["--", "sh", "-c", `${CURL} http://two.example.org/ http://three.example.org/`];
  const { stderr } = await machine.run(command);
  const options = said(stderr).at(-1)?.trim().split(" ") ?? [];
  expect(options).toHaveLength(4);
  const { exitCode, stderr: second } = await machine.run([...options, ...command]);
  expect({ exitCode, said: said(second) }).toEqual({ exitCode: 0, said: [] });
});

test("a rule that denies is named, and so is a wildcard that does not cover its apex", async () => {
  const script = `${CURL} http://two.example.org/ http://example.org/ http://169.254.169.254/`;
  const rules = ["--deny", "two.example.org", "--allow", "*.example.org"];
  const { stderr } = await machine.run([...rules, "--", "sh", "-c", script]);
  expect(said(stderr)).toEqual([
    "denied two.example.org (rule: deny two.example.org)",
    "denied example.org (no rule allows it; *.example.org does not cover example.org itself)",
    "denied 169.254.169.254 tcp 80 (deny.always: 169.254.169.254)",
    "denied 1 name; to allow it:",
    "  --allow example.org",
    expect.stringMatching(
      /^denied by a rule: two\.example\.org .*, 169\.254\.169\.254 tcp 80 \(deny\.always/,
    ),
  ]);
});

test("an allowed name whose address a rule denies is told with both", async () => {
  const rules = ["--deny", "198.51.100.1", "--allow", "one.example.org"];
  const { stderr } = await machine.run([...rules, "--", "sh", "-c", `${CURL} http://one.example.org/`]);
  expect(said(stderr)[0]).toBe(
    "denied 198.51.100.1, an address of one.example.org (rule: deny 198.51.100.1)",
  );
});

test("a name of /etc/hosts is denied with the reason that no lookup has opened its address", async () => {
  await using folder = await scratch();
  const hosts = join(folder.path, "hosts");
  await writeFile(hosts, "127.0.0.1 localhost\n198.51.100.2 two.example.org\n");
  const bind = `mount --bind ${hosts} /etc/hosts; exec "$@"`;
  const under = ["/usr/bin/unshare", "--mount", "/bin/sh", "-c", bind, "sh"];
  const args = ["--allow", "two.example.org", "--", "sh", "-c", `${CURL} http://two.example.org/`];
  const { stderr } = await machine.run(args, { under });
  expect(said(stderr)[0]).toMatch(
    /^denied 198\.51\.100\.2 tcp 80 \(no rule .*\/etc\/hosts gives it for two\.example\.org.*allow the address\)$/,
  );
});

test("what only the search list makes of a name is not among what is to be allowed", async () => {
  await using _conf = await writeResolvConf(
    lab.sandbox,
    "nameserver 192.0.2.1\nsearch corp.example lab.example\noptions ndots:5\n",
  );
  const script = `${CURL} http://one.example.org/; ${CURL} http://two.example.org/`;
  const { stderr } = await machine.run(["--allow", "one.example.org", "--", "sh", "-c", script], {
    readsResolvConf: true,
  });
  await writeResolvConf(lab.sandbox, "nameserver 192.0.2.1\n");
  // On a machine so busy that the plain name comes late, a variant is told as it comes; at the end it is not.
  expect(said(stderr).slice(-2)).toEqual(["denied 1 name; to allow it:", "  --allow two.example.org"]);
});

test("a lookup that no upstream answers is told with the upstream's address", async () => {
  const env = {
    OPENSANDBOX_EGRESS_DNS_UPSTREAM: "198.51.100.77",
    OPENSANDBOX_EGRESS_DNS_UPSTREAM_TIMEOUT: "1",
  };
  const args = ["--allow", "one.example.org", "--", "sh", "-c", `${CURL} http://one.example.org/`];
  const { stderr } = await machine.run(args, { env });
  const lines = said(stderr);
  expect(lines).toContain(
    "the lookup of one.example.org failed: no upstream gave an answer in time (asked: 198.51.100.77)",
  );
  expect(lines.at(-1)).toBe("allowed, but their lookups failed: one.example.org");
});

async function scratch(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(tmpdir(), "egress-run-test-"));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true }) };
}

test("a port that the rules of a name do not allow is told so, and what is offered lets it through", async () => {
  const command = [
    "sh",
    "-c",
    `${CURL} http://one.example.org:8080/; ${CURL} http://one.example.org/; echo $?`,
  ];
  const first = await machine.run(["--allow", "one.example.org:8080", "--", ...command]);
  expect(first.stdout).toBe("hello from 198.51.100.1\n7\n");
  expect(said(first.stderr)).toEqual([
    "denied 198.51.100.1 tcp 80, an address of one.example.org (no rule allows it; the rules for one.example.org allow other ports or protocols)",
    "denied 1 address; to allow it:",
    "  --allow one.example.org:80/tcp",
  ]);
  const more = said(first.stderr).at(-1)?.trim().split(" ") ?? [];
  const second = await machine.run(["--allow", "one.example.org:8080", ...more, "--", ...command]);
  expect(second.stdout).toBe("hello from 198.51.100.1\nhello from 198.51.100.1\n0\n");
  expect(said(second.stderr)).toEqual([]);
});

test("a proxy of the environment is told of, without its password: at loopback nothing answers, and one that is allowed by address reaches all names", async () => {
  const script = `${CURL} http://two.example.org/; echo $?`;
  const run = (env: Readonly<Record<string, string>>, allowed = "one.example.org") =>
    machine.run(["--allow", allowed, "--", "sh", "-c", script], { env });

  const local = await run({ http_proxy: "http://me:s3cret@127.0.0.1:3128/", HTTPS_PROXY: "127.0.0.1:3128" });
  expect(local.stdout).toBe("7\n");
  expect(said(local.stderr)).toEqual([
    "HTTPS_PROXY and http_proxy name a proxy: 127.0.0.1:3128 is the command's own in a run: unset it (env -u HTTPS_PROXY -u http_proxy egress run ...)",
  ]);

  const note =
    "http_proxy names a proxy: one.example.org:80 has to be allowed by its address, and which names are reached through it is for that proxy to say";
  const byName = await run({ http_proxy: "http://one.example.org:80" });
  expect(byName.stdout).toBe("56\n");
  expect(said(byName.stderr).slice(0, 2)).toEqual([
    note,
    "denied two.example.org, which a connection to 198.51.100.1 tcp 80, an address of one.example.org has shown (no rule allows it)",
  ]);
  const byAddress = await run({ http_proxy: "http://one.example.org:80" }, "one.example.org,198.51.100.1");
  expect(byAddress.stdout).toBe("hello from 198.51.100.1\n0\n");
  expect(said(byAddress.stderr)).toEqual([note]);
});
