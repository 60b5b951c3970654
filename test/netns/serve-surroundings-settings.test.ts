/**
 * Settings as the running program takes them: where its log goes and what stays out of it, probes of
 * upstreams, signed changes.
 */
import { execFileSync } from "node:child_process";
import { readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { CommandResult } from "../../src/netns/command.ts";
import { INTERNET_V4, SANDBOX_V4 } from "../support/lab.ts";
import { runProgram } from "../support/program.ts";
import type { Sidecar } from "../support/sidecar.ts";
import { MAIN } from "../support/tested-program.ts";
import { until } from "../support/until.ts";
import { useLab } from "../support/use-lab.ts";

const POLICY = { egress: [{ action: "allow", target: "*.example.org" }] };
/** On the link, and no machine has it: nothing ever comes back. */
const SILENT = "192.0.2.77";

const lab = useLab();

function start(env: Record<string, string>, program?: readonly [string, ...string[]]): Promise<Sidecar> {
  return lab.startSidecar({
    policy: POLICY,
    env: { OPENSANDBOX_EGRESS_POLICY_FILE: undefined, ...env },
    ...(program === undefined ? {} : { program }),
  });
}

const probeLines = (sidecar: Sidecar): readonly string[] =>
  sidecar.logs().flatMap(({ msg }) => (String(msg).includes("[dns] upstream probe") ? [String(msg)] : []));

const hosts = (sidecar: Sidecar, event: string): readonly unknown[] =>
  sidecar.logs().flatMap((line) => (line["opensandbox.event"] === event ? [line["target.host"]] : []));

const writeSkipList = (text: string): Promise<void> =>
  writeFile(join(lab.stateFolder, "rules", "log_skip.always"), text);

describe("OPENSANDBOX_EGRESS_DNS_UPSTREAM_PROBE_INTERVAL_SEC", () => {
  test("a silent upstream is told of in each round, one that answers is not", async () => {
    await using sidecar = await start({
      OPENSANDBOX_EGRESS_DNS_UPSTREAM: `${SILENT},${INTERNET_V4}`,
      OPENSANDBOX_EGRESS_DNS_UPSTREAM_PROBE_INTERVAL_SEC: "1",
      OPENSANDBOX_EGRESS_DNS_UPSTREAM_PROBE: "one.example.org",
    });
    await until("two rounds have failed", () => probeLines(sidecar).length >= 2);
    expect(new Set(probeLines(sidecar))).toEqual(
      new Set([`[dns] upstream probe: ${SILENT} port 53 did not answer one.example.org A within 1000 ms`]),
    );
    // As the original's smoke script looks for it in the program's output.
    const found = execFileSync("grep", ["-F", "[dns] upstream probe"], { input: sidecar.output() });
    expect(found.toString()).toContain(SILENT);
    expect(sidecar.logs().find(({ msg }) => String(msg).startsWith("[dns]"))).toMatchObject({
      level: "warn",
    });
    expect(await lab.dig("one.example.org", "A")).toMatchObject({ addresses: ["198.51.100.1"] });
  });

  test("the name that is probed need not be allowed", async () => {
    const asked = (): number =>
      lab.upstream.questions().filter(({ qname }) => qname.toLowerCase() === "probe.example.com").length;
    await using sidecar = await start({
      OPENSANDBOX_EGRESS_DNS_UPSTREAM_PROBE_INTERVAL_SEC: "1",
      OPENSANDBOX_EGRESS_DNS_UPSTREAM_PROBE: "probe.example.com",
    });
    await until("it is asked", () => asked() >= 1);
    expect(await lab.dig("probe.example.com", "A")).toMatchObject({ rcode: "NXDOMAIN" });
    expect(probeLines(sidecar)).toEqual([]);
  });
});

describe("OPENSANDBOX_LOG_OUTPUT", () => {
  test("every output gets every line, a file at its end; standard output gets none where it is not named", async () => {
    const file = join(lab.stateFolder, "egress.log");
    const stderr = join(lab.stateFolder, "stderr.txt");
    await writeFile(file, "what was there before\n");
    const apart = ["sh", "-c", 'exec "$@" 2>"$0"', stderr, process.execPath, MAIN, "serve"] as const;
    await using sidecar = await start({ OPENSANDBOX_LOG_OUTPUT: `stderr,${file}` }, apart);
    await lab.dig("secret.example.com", "A");
    await sidecar.kill("SIGTERM");
    const written = await readFile(file, "utf8");
    expect(written).toMatch(/^what was there before\n\{/);
    expect(written).toContain('"target.host":"secret.example.com"');
    expect(written).toMatch(/"msg":"stopping: the rules stay in the kernel"\}\n$/);
    expect(`what was there before\n${await readFile(stderr, "utf8")}`).toBe(written);
    expect(sidecar.output()).toBe("");
  });

  test("a file that it makes is for its owner alone", async () => {
    const file = join(lab.stateFolder, "new.log");
    await using sidecar = await start({ OPENSANDBOX_LOG_OUTPUT: file });
    expect(sidecar.output()).toBe("");
    expect(await readFile(file, "utf8")).toContain('"opensandbox.event":"egress.loaded"');
    expect((await stat(file)).mode & 0o777).toBe(0o600);
  });

  test("a file that cannot be opened ends a strict start, and is named", async () => {
    const file = join(lab.stateFolder, "missing", "egress.log");
    const env = { OPENSANDBOX_LOG_OUTPUT: file, OPENSANDBOX_EGRESS_DNS_UPSTREAM: INTERNET_V4 };
    const refused = await runProgram(lab.sandbox, ["serve", "--strict"], { env });
    expect(refused).toMatchObject({ exitCode: 78, stderr: expect.stringContaining(file) });
  });
});

describe("log_skip.always", () => {
  beforeEach(() => writeSkipList("# too noisy\r\n*.wild.example.org\r\nsecret.example.com\r\n"));
  afterAll(() => writeSkipList(""));

  test("allowed lookups that it names are not logged, others and all denials are", async () => {
    await using sidecar = await start({});
    for (const name of ["a.wild.example.org", "one.example.org", "secret.example.com"]) {
      await lab.dig(name, "A");
    }
    await until("the last lookup is logged", () => hosts(sidecar, "egress.denied").length > 0);
    expect(hosts(sidecar, "egress.outbound")).toEqual(["one.example.org"]);
    expect(hosts(sidecar, "egress.denied")).toEqual(["secret.example.com"]);
  });

  test("a change of the file is taken while it runs", async () => {
    await using sidecar = await start({});
    await writeSkipList("one.example.org\n");
    await until("lookups of what is no longer named are logged", async () => {
      await lab.dig("a.wild.example.org", "A");
      return hosts(sidecar, "egress.outbound").length > 0;
    });
    await lab.dig("one.example.org", "A");
    await lab.dig("denied.example.com", "A");
    await until("the last lookup is logged", () => hosts(sidecar, "egress.denied").length > 0);
    expect(hosts(sidecar, "egress.outbound")).not.toContain("one.example.org");
  });
});

describe("OPENSANDBOX_EGRESS_SIGNED_WRITES", () => {
  const API = `http://${SANDBOX_V4}:18080`;
  const RULES = JSON.stringify([{ action: "allow", target: "new.example.com" }]);
  let sidecar: Sidecar;
  beforeAll(async () => {
    sidecar = await start({ OPENSANDBOX_EGRESS_SIGNED_WRITES: "true" });
  });
  afterAll(async () => {
    await sidecar[Symbol.asyncDispose]();
  });

  async function targets(): Promise<string> {
    return (await sidecar.api("GET", "/policy")).text;
  }

  /** By a person outside, with the token in the environment. */
  function egressPolicy(token: string, ...args: string[]): Promise<CommandResult> {
    const env = { OPENSANDBOX_EGRESS_TOKEN: token };
    return runProgram(lab.internet, ["policy", ...args, "--url", API], { env });
  }

  test.each(["PATCH", "POST", "DELETE"])(
    "an unsigned %s with the token is 401, and says why",
    async (method) => {
      const before = await targets();
      const header = `OPENSANDBOX-EGRESS-AUTH: ${sidecar.token}`;
      const answer = await lab.curlFromOutside("-X", method, "-H", header, "--data", RULES, `${API}/policy`);
      expect(answer).toMatchObject({
        status: 401,
        body: expect.stringMatching(/OPENSANDBOX_EGRESS_SIGNED_WRITES is on, so a change has to be signed/),
      });
      expect(await targets()).toBe(before);
    },
  );

  test("reading with the token goes on", async () => {
    const header = `OPENSANDBOX-EGRESS-AUTH: ${sidecar.token}`;
    expect(await lab.curlFromOutside("-H", header, `${API}/policy`)).toMatchObject({ status: 200 });
  });

  test("`egress policy patch` signs with the token of its environment: the rule is in force", async () => {
    expect(await lab.dig("new.example.com", "A")).toMatchObject({
      ede: "15 (Blocked): (no rule allows new.example.com)",
    });
    expect(await egressPolicy(sidecar.token, "patch", "--allow", "new.example.com")).toMatchObject({
      exitCode: 0,
    });
    expect(await targets()).toContain("new.example.com");
    expect((await lab.dig("new.example.com", "A")).ede).toBeUndefined();
  });

  test("`egress policy patch` with another token changes nothing", async () => {
    const before = await targets();
    const refused = await egressPolicy("another", "patch", "--allow", "other.example.com");
    expect(refused.exitCode).not.toBe(0);
    expect(refused.stderr).toContain("the signature is not this call's");
    expect(await targets()).toBe(before);
  });

  test("the unix socket takes unsigned changes", async () => {
    expect(await sidecar.api("PATCH", "/policy", { body: RULES })).toMatchObject({ status: 200 });
  });
});
