import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { runCli } from "../../../src/cli/main.ts";
import { type ApiServer, startApi } from "../../api/api-server.ts";
import { policyOf } from "../../support/policy.ts";

const TOKEN = "s3cret";
const BASE = policyOf({ egress: [{ action: "allow", target: "example.org" }] });

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "egress-cli-"));
});
afterAll(() => rm(folder, { recursive: true }));

async function run(argv: readonly string[], env: Readonly<Record<string, string>> = {}) {
  let printed = "";
  let warned = "";
  const exitCode = await runCli(["policy", ...argv], {
    env,
    program: ["egress"],
    print: (text) => void (printed += text),
    warn: (text) => void (warned += text),
  });
  return { exitCode, printed, warned };
}

interface Operator extends AsyncDisposable {
  readonly api: ApiServer;
  /** `egress policy ...`, its sidecar on a unix socket. */
  egressPolicy(...argv: string[]): Promise<Awaited<ReturnType<typeof run>>>;
}

async function startOperator(): Promise<Operator> {
  const socketPath = join(await mkdtemp(join(folder, "run-")), "egress.sock");
  const api = await startApi({ policy: BASE, socketPath, maxRules: 4 });
  return {
    api,
    egressPolicy: (...argv) => run(argv, { OPENSANDBOX_EGRESS_SOCKET: socketPath }),
    [Symbol.asyncDispose]: () => api[Symbol.asyncDispose](),
  };
}

async function file(text: string): Promise<string> {
  const path = join(await mkdtemp(join(folder, "file-")), "input.json");
  await writeFile(path, text);
  return path;
}

function rulesOf({ api }: Operator): readonly string[] {
  return api.world.changes.snapshot().policy.egress.map(({ action, target }) => `${action} ${target.text}`);
}

test("get shows the policy to people", async () => {
  await using operator = await startOperator();
  const { etag } = operator.api.world.changes.snapshot();
  expect(await operator.egressPolicy("get")).toEqual({
    exitCode: 0,
    printed: `enforcing (dns+nft), default action: deny\n  allow example.org\netag ${etag}\n`,
    warned: "",
  });
});

test("get --json shows it to programs, with its entity tag", async () => {
  await using operator = await startOperator();
  const { etag } = operator.api.world.changes.snapshot();
  expect(JSON.parse((await operator.egressPolicy("get", "--json")).printed)).toEqual({
    status: "ok",
    mode: "enforcing",
    enforcementMode: "dns+nft",
    policy: { egress: [{ action: "allow", target: "example.org" }], defaultAction: "deny" },
    etag,
  });
});

describe("changes", () => {
  test("patch puts rules first, in the order of the command line, then those of the file", async () => {
    await using operator = await startOperator();
    const path = await file('[{"action":"allow","target":"192.0.2.0/24"}]');
    const patch = ["patch", "--deny", "*.evil.example", "--allow", "a.example", "--file", path];
    expect(await operator.egressPolicy(...patch)).toEqual({
      exitCode: 0,
      printed: "the policy is enforcing (dns+nft)\n",
      warned: "",
    });
    expect(rulesOf(operator)).toEqual([
      "deny *.evil.example",
      "allow a.example",
      "allow 192.0.2.0/24",
      "allow example.org",
    ]);
  });

  test("replace takes a file, rules, and a default", async () => {
    await using operator = await startOperator();
    const path = await file('{"defaultAction":"deny","egress":[{"action":"allow","target":"b.example"}]}');
    await operator.egressPolicy("replace", "-f", path, "--deny", "c.example", "--default", "allow");
    expect(rulesOf(operator)).toEqual(["deny c.example", "allow b.example"]);
    expect(operator.api.world.changes.snapshot().policy.defaultAction).toBe("allow");
  });

  test("delete takes targets, reset all", async () => {
    await using operator = await startOperator();
    expect(await operator.egressPolicy("delete", "nowhere.example")).toMatchObject({
      printed: "the policy is enforcing (dns+nft): no matching targets found\n",
    });
    await operator.egressPolicy("delete", "EXAMPLE.org.");
    expect(rulesOf(operator)).toEqual([]);
    expect(await operator.egressPolicy("reset")).toMatchObject({
      exitCode: 0,
      printed: "the policy is deny_all (dns+nft): policy reset to default deny-all\n",
    });
  });

  test("--dry-run shows what would come and go, and changes nothing", async () => {
    await using operator = await startOperator();
    expect(await operator.egressPolicy("patch", "--deny", "example.org", "--dry-run")).toEqual({
      exitCode: 0,
      printed:
        "the policy would be enforcing (dns+nft); nothing is changed\n- allow example.org\n+ deny  example.org\n",
      warned: "",
    });
    expect(rulesOf(operator)).toEqual(["allow example.org"]);
  });

  test("--if-match that does not hold is exit 75 and changes nothing", async () => {
    await using operator = await startOperator();
    const { exitCode, warned } = await operator.egressPolicy("reset", "--if-match", '"old"');
    expect(exitCode).toBe(75);
    expect(warned).toMatch(/^egress policy: the policy has changed: If-Match does not hold for ".*"\n$/);
    const { etag } = operator.api.world.changes.snapshot();
    expect((await operator.egressPolicy("reset", "--if-match", etag)).exitCode).toBe(0);
  });
});

describe("a refusal of the sidecar", () => {
  test("is a line for people, and exit 65 for wrong input", async () => {
    await using operator = await startOperator();
    const allow = ["a", "b", "c", "d"].flatMap((name) => ["--allow", `${name}.example`]);
    expect(await operator.egressPolicy("patch", ...allow)).toEqual({
      exitCode: 65,
      printed: "",
      warned: "egress policy: egress rule total count 5 exceeds limit 4\n",
    });
  });

  test("is JSON on standard error with --json", async () => {
    await using operator = await startOperator();
    const { exitCode, warned } = await operator.egressPolicy("reset", "--if-match", '"old"', "--json");
    expect(exitCode).toBe(75);
    expect(JSON.parse(warned)).toMatchObject({
      error: { code: "precondition-failed", status: 412, errors: [] },
    });
  });

  test("of the token is exit 77", async () => {
    await using api = await startApi({ auth: { token: TOKEN, allowLocalWrites: false } });
    const url = `http://127.0.0.1:${api.port}`;
    expect(await run(["get", "--url", url, "--token", "other"])).toMatchObject({ exitCode: 77 });
  });
});

test("over TCP each call is signed with the token, of the command line or the environment", async () => {
  await using api = await startApi({ auth: { token: TOKEN, allowLocalWrites: false, signedWrites: true } });
  const url = `http://127.0.0.1:${api.port}`;
  expect(await run(["reset", "--url", url, "--token", TOKEN])).toMatchObject({ exitCode: 0 });
  expect(await run(["reset", "--url", url], { OPENSANDBOX_EGRESS_TOKEN: TOKEN })).toMatchObject({
    exitCode: 0,
  });
  const settings = {
    OPENSANDBOX_EGRESS_TOKEN: TOKEN,
    OPENSANDBOX_EGRESS_SOCKET: "",
    OPENSANDBOX_EGRESS_HTTP_ADDR: `:${api.port}`,
  };
  expect(await run(["get"], settings)).toMatchObject({ exitCode: 0 });
});

test("no answer is exit 69", async () => {
  const path = join(folder, "nothing.sock");
  expect(await run(["get", "--socket", path])).toEqual({
    exitCode: 69,
    printed: "",
    warned: `egress policy: no answer from ${path}: ENOENT\n`,
  });
  const { warned } = await run(["get", "--socket", path, "--json"]);
  expect(JSON.parse(warned)).toMatchObject({ error: { code: "ENOENT", mayBeDone: false } });
});

test("settings that can't be read are exit 78 where they say where the sidecar is", async () => {
  const env = { OPENSANDBOX_EGRESS_SOCKET: "egress.sock", OPENSANDBOX_EGRESS_MAX_RULES: "many" };
  const { exitCode, warned } = await run(["get"], env);
  expect(exitCode).toBe(78);
  expect(warned).toMatch(/^egress policy: OPENSANDBOX_EGRESS_SOCKET: [^\n]*\n$/);
  expect((await run(["get", "--socket", join(folder, "nothing.sock")], env)).exitCode).toBe(69);
});

describe("a wrong command line is exit 64, and nothing is sent", () => {
  test.each([
    [[], "one of get, patch, allow, deny, replace, delete, reset is missing"],
    [["gett"], '"gett" is none of get, patch, allow, deny, replace, delete, reset'],
    [["get", "--dry-run"], "get takes no --dry-run"],
    [["reset", "--file", "x"], "reset takes no --file"],
    [["patch", "--default", "allow"], "patch takes no --default"],
    [["patch"], "no rules: give --allow, --deny or --file"],
    [["patch", "example.org"], "Unexpected argument 'example.org'"],
    [["patch", "--alow", "example.org"], "Unknown option '--alow'"],
    [["patch", "--allow", "*"], '--allow "*": '],
    [["replace"], "no policy: give --file"],
    [["replace", "--default", "maybe"], '--default: "maybe" is neither allow nor deny'],
    [["delete"], "no targets: name them"],
    [["delete", "a b"], '"a b"'],
    [["patch", "--file", "/nowhere/x.json"], "--file /nowhere/x.json: there is no such file"],
    [["get", "--url", "ftp://192.0.2.1:18080"], "--url: is not an http(s) URL"],
    [["get", "--url", "192.0.2.1:port"], "--url: is not an http(s) URL"],
    [["get", "--url", "192.0.2.1:99999"], "--url: is not an http(s) URL"],
    [["get", "--url", "user:pass@192.0.2.1:18080"], "--url: is not an http(s) URL"],
    [["get", "--url", "http://192.0.2.1", "--socket", "/x"], "--url and --socket are two places"],
    [
      ["get", "--url", "http://user:pass@192.0.2.1"],
      "--url: no credentials in the URL: give the token by --token",
    ],
  ])("%j: %s", async (argv, message) => {
    const { exitCode, printed, warned } = await run(argv);
    expect({ exitCode, printed }).toEqual({ exitCode: 64, printed: "" });
    expect(warned.startsWith(`egress policy: ${message}`) || warned.includes(message)).toBe(true);
    expect(warned.endsWith('egress policy: see "egress policy --help"\n')).toBe(true);
  });

  test.each([
    [
      "patch",
      '[{"target":"a.example","note":"ours"}]',
      /^egress policy: --file .*: \[0\]\.note: a rule has no such key, and nothing reads it\n/,
    ],
    ["replace", '{"rules":[]}', /^egress policy: --file .*: rules: a policy has no such key: write egress\n/],
    ["patch", '[{"target":"*"}]', /^egress policy: --file .*: \[0\]\.target: /],
    ["replace", " \n", /^egress policy: --file .*: is blank\n/],
    ["delete", "{}", /^egress policy: --file .*: must be an array of targets\n/],
  ])("%s with a file that holds %j", async (kind, text, message) => {
    const { exitCode, warned } = await run([kind, "--file", await file(text)]);
    expect(exitCode).toBe(64);
    expect(warned).toMatch(message);
  });
});

test.each([["--help"], ["patch", "--help"], ["get", "-h"]])("%s %s explains", async (...argv) => {
  const { exitCode, printed } = await run(argv);
  expect(exitCode).toBe(0);
  expect(printed).toMatch(/^egress policy - /);
});

const odd = (text: string): string => `${text}\u001b]0;title\u0007\r\u202e`;

test("nothing in an answer writes to the terminal: a proxy in the sandbox may have made it up", async () => {
  const answer = {
    status: "ok",
    mode: odd("allow_all"),
    enforcementMode: odd("dns+nft"),
    reason: odd("reason"),
    dryRun: true,
    policy: {
      egress: [{ action: odd("allow"), target: odd("a.example") }],
      defaultAction: odd("deny"),
    },
    added: [{ action: odd("deny"), target: odd("b.example") }],
  };
  const server = createServer((_incoming, outgoing) => {
    outgoing.setHeader("Content-Type", "application/json").end(JSON.stringify(answer));
  });
  const socketPath = join(await mkdtemp(join(folder, "odd-")), "egress.sock");
  await new Promise<void>((resolve) => server.listen(socketPath, resolve));
  try {
    for (const argv of [["get"], ["reset"], ["patch", "--deny", "b.example", "--dry-run"]]) {
      const { exitCode, printed } = await run(argv, { OPENSANDBOX_EGRESS_SOCKET: socketPath });
      expect({ exitCode, controls: printed.match(/(?!\n)[\p{Cc}\p{Cf}]/gu) }).toEqual({
        exitCode: 0,
        controls: null,
      });
      expect(printed).toContain("allow_all\\u{1b}]0;title\\u{7}\\u{d}\\u{202e}");
    }
  } finally {
    server.close();
  }
});
