/** Starts that are refused: exit code 78, one line for each reason, and the kernel left as it was. */
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { CommandResult } from "../../src/netns/command.ts";
import { execIn, HERE } from "../../src/netns/namespace.ts";
import { type ProgramOptions, runProgram } from "../support/program.ts";
import { useLab } from "../support/use-lab.ts";

const lab = useLab();

const WITHOUT_NET_ADMIN = ["setpriv", "--bounding-set", "-net_admin", "--inh-caps", "-all"];
const NO_FILES = { OPENSANDBOX_EGRESS_SOCKET: "" };

async function serve(env: Record<string, string>, options: ProgramOptions = {}): Promise<CommandResult> {
  return runProgram(lab.sandbox, ["serve"], { ...options, env: { ...NO_FILES, ...env } });
}

/** Refuses what would otherwise be served as deny-all. */
async function serveStrictly(
  env: Record<string, string>,
  options: ProgramOptions = {},
): Promise<CommandResult> {
  return runProgram(lab.sandbox, ["serve", "--strict"], { ...options, env: { ...NO_FILES, ...env } });
}

/** That it was refused, what it said, line by line, and what rules it left. */
async function readRefusal({ exitCode, stderr }: CommandResult): Promise<unknown> {
  const ruleset = (await execIn(lab.sandbox, ["nft", "list", "ruleset"])).stdout;
  return { exitCode, lines: stderr.trimEnd().split("\n"), ruleset };
}

const refused = (...lines: readonly RegExp[]): unknown => ({
  exitCode: 78,
  lines: lines.map((line): unknown => expect.stringMatching(line)),
  ruleset: "",
});

test("strictly, with a deny.always that can't be read: each line is told", async () => {
  const rules = join(lab.stateFolder, "rules");
  const file = join(rules, "deny.always");
  const env = { OPENSANDBOX_EGRESS_RULES_DIR: rules, OPENSANDBOX_EGRESS_DNS_UPSTREAM: "192.0.2.1" };
  await writeFile(file, "203.0.113.99\n10.0.0.0/33\ntwo words\n");
  expect(await readRefusal(await serveStrictly(env))).toEqual(
    refused(/rules\/deny\.always:2\b/, /rules\/deny\.always:3\b/),
  );
  await rm(file);
  await mkdir(file);
  expect(await readRefusal(await serveStrictly(env))).toEqual(
    refused(/rules\/deny\.always\b.*cannot be read/),
  );
  await rm(file, { recursive: true });
});

test("without a readable address of the API: each unreadable setting is told, on a line of its own", async () => {
  const result = await serve({
    OPENSANDBOX_EGRESS_MODE: "nft",
    OPENSANDBOX_EGRESS_RULES:
      '{"egress":[{"action":"allow","target":"*"},{"action":"permit","target":"example.org"}]}',
    OPENSANDBOX_EGRESS_HTTP_ADDR: "18080",
    OPENSANDBOX_EGRESS_MAX_RULES: "-1",
    OPENSANDBOX_EGRESS_DNS_UPSTREAM: "192.0.2.1,resolver.example.org",
    OPENSANDBOX_EGRESS_INBOUND_UDP: "perhaps",
  });
  expect(await readRefusal(result)).toEqual(
    refused(
      /OPENSANDBOX_EGRESS_MODE\b/,
      /OPENSANDBOX_EGRESS_RULES\b.*egress\[0\]\.target.*egress\[1\]\.action/,
      /OPENSANDBOX_EGRESS_HTTP_ADDR\b/,
      /OPENSANDBOX_EGRESS_MAX_RULES\b/,
      /OPENSANDBOX_EGRESS_DNS_UPSTREAM\b.*resolver\.example\.org/,
      /OPENSANDBOX_EGRESS_INBOUND_UDP\b/,
    ),
  );
});

test("without CAP_NET_ADMIN", async () => {
  expect(await readRefusal(await serve({}, { under: WITHOUT_NET_ADMIN }))).toEqual(
    refused(/CAP_NET_ADMIN.*--cap-add NET_ADMIN/),
  );
});

// Guarded: this process cannot change rules, whatever the check says. It is the only start in the machine's
// own namespace.
test("in the machine's own network namespace", async () => {
  const result = await runProgram(HERE, ["serve"], { under: WITHOUT_NET_ADMIN, env: NO_FILES });
  expect(result.exitCode).toBe(78);
  expect(result.stderr.trimEnd().split("\n")).toEqual([
    expect.stringMatching(/CAP_NET_ADMIN/),
    expect.stringMatching(/own network namespace.*OPENSANDBOX_EGRESS_ALLOW_HOST_NETNS=true/),
  ]);
});

test("without nft on the path", async () => {
  const bin = join(lab.stateFolder, "bin");
  await mkdir(bin, { recursive: true });
  const ip = (await execIn(lab.sandbox, ["sh", "-c", "command -v ip"])).stdout.trim();
  await writeFile(join(bin, "ip"), `#!/bin/sh\nexec ${ip} "$@"\n`, { mode: 0o755 });
  const hideSbin = `for path in /usr/sbin /sbin; do mount -t tmpfs none $path; done; exec env PATH=${bin} "$@"`;
  const result = await serve({}, { under: ["sh", "-c", hideSbin, "sh"] });
  expect(await readRefusal(result)).toEqual(refused(/nft.*(install|missing|not found)/));
});

test("with a kernel that refuses rules", async () => {
  const bin = join(lab.stateFolder, "refusing");
  await mkdir(bin, { recursive: true });
  await writeFile(
    join(bin, "nft"),
    "#!/bin/sh\necho 'Error: Could not process rule: Operation not supported' >&2\nexit 1\n",
    { mode: 0o755 },
  );
  const path = `PATH=${bin}:${process.env["PATH"] ?? ""}`;
  const result = await serve({}, { under: ["/usr/bin/env", path] });
  expect(await readRefusal(result)).toEqual(refused(/Operation not supported/));
});

test("strictly, without an upstream: neither a setting nor a nameserver in resolv.conf", async () => {
  const empty = join(lab.stateFolder, "resolv.conf");
  await writeFile(empty, "search example.org\n");
  const under = ["sh", "-c", `mount --bind ${empty} /etc/resolv.conf && exec "$@"`, "sh"];
  expect(await readRefusal(await serveStrictly({}, { under }))).toEqual(refused(/nameserver|resolv\.conf/));
});

test("strictly, with a policy file that can't be read", async () => {
  expect(await readRefusal(await serveStrictly({ OPENSANDBOX_EGRESS_POLICY_FILE: lab.stateFolder }))).toEqual(
    refused(/policy|folder/i),
  );
});

test("beside another sidecar, whose rules and API go on as they were, whatever this one would allow", async () => {
  await using other = await lab.startSidecar({ env: { OPENSANDBOX_EGRESS_TOKEN: "of-the-other" } });
  const listRules = async (): Promise<string> =>
    (await execIn(lab.sandbox, ["nft", "--handle", "list", "ruleset"])).stdout;
  const before = await listRules();
  const result = await serve({
    OPENSANDBOX_EGRESS_DNS_UPSTREAM: "192.0.2.1",
    OPENSANDBOX_EGRESS_RULES: '{"defaultAction":"allow"}',
  });
  expect(result.exitCode).toBe(78);
  expect(result.stderr).toMatch(/^egress: another sidecar runs in this network namespace.*\n$/);
  expect(await listRules()).toBe(before);
  const header = `OPENSANDBOX-EGRESS-AUTH: ${other.token}`;
  expect(await lab.curlFromOutside("-H", header, "http://192.0.2.2:18080/policy")).toMatchObject({
    status: 200,
  });
  expect(await lab.curl("http://198.51.100.1/")).toMatchObject({ exitCode: 7 });
});
