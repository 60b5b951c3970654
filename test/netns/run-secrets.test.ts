/** `egress run --secret`: the command has a placeholder, and the host that it is for gets the secret. */
import assert from "node:assert/strict";
import { chmodSync, writeFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { ROOT_VARIABLES } from "../../src/cli/run/secrets/trust-environment.ts";
import { type JsonServer, startJsonServer } from "../support/json-server.ts";
import { createMachine, type Machine, UNTOUCHED } from "../support/machine.ts";
import { createOriginAuthority } from "../support/origin-certificates.ts";
import { asUser, makePlaceOf } from "../support/without-root.ts";
import { useLab } from "../support/use-lab.ts";

const [API, OTHER] = ["api.example.org", "other.example.org"];
const HERE = { addresses: ["198.51.100.30", "2001:db8:100::30"] };
const ORIGIN = fileURLToPath(new URL("../support/servers/origin-child.ts", import.meta.url));
const UID = 48_213;
const TOKEN = "ghp_16C7e42F292c6912E7710c838347Ae178B4a";

const lab = useLab({ zone: { [API]: HERE, [OTHER]: HERE } });
let machine: Machine;
let origin: JsonServer;
let env: Readonly<Record<string, string>>;

beforeAll(async () => {
  machine = createMachine(lab);
  const originCa = createOriginAuthority();
  const sites = join(lab.stateFolder, "sites.json");
  writeFileSync(sites, JSON.stringify({ [API]: originCa.issue([API]), [OTHER]: originCa.issue([OTHER]) }));
  const extraCa = join(lab.stateFolder, "origin-ca.pem");
  writeFileSync(extraCa, originCa.ca);
  // For a run without root.
  chmodSync(lab.stateFolder, 0o755);
  origin = await startJsonServer(lab.internet, [process.execPath, ORIGIN, sites]);
  env = { GITHUB_TOKEN: TOKEN, OPENSANDBOX_EGRESS_MITMPROXY_UPSTREAM_EXTRA_CA: extraCa };
});
afterAll(() => origin[Symbol.asyncDispose]());
afterEach(async () => assert.deepEqual(await machine.state(), UNTOUCHED));

const run = (...args: readonly string[]) => machine.run(args, { env });
/** Who asked at that path, as the origin has seen it. */
const askedAt = (path: string): unknown =>
  origin.lines.findLast((line) => line.event === "request" && line["path"] === path)?.["authorization"];

const ASK_BY_NODE = `const response = await fetch(process.argv[1], { headers: { Authorization: "Bearer " + process.env.GITHUB_TOKEN } });
console.log(await response.text());`;
const ASK_BY_PYTHON = `import os, sys, urllib.request
asked = urllib.request.Request(sys.argv[1], headers={"Authorization": "Bearer " + os.environ["GITHUB_TOKEN"]})
print(urllib.request.urlopen(asked).read().decode())`;

/** Without an option that says whom to trust. */
const CLIENTS: Readonly<Record<string, (url: string) => readonly string[]>> = {
  curl: (url) => ["sh", "-c", `curl -sS -H "Authorization: Bearer $GITHUB_TOKEN" ${url}`],
  "curl over HTTP/1.1": (url) => ["sh", "-c", `curl -sS --http1.1 -u "robot:$GITHUB_TOKEN" ${url}`],
  Node: (url) => [process.execPath, "--input-type=module", "-e", ASK_BY_NODE, url],
  Python: (url) => ["python3", "-c", ASK_BY_PYTHON, url],
};

describe.each(Object.entries(CLIENTS))("%s", (tool, ask) => {
  test("trusts us, sends the placeholder, and the host gets the secret, which does not come back", async () => {
    const path = `/${tool.replaceAll(/\W/g, "-")}`;
    const { exitCode, stdout, stderr } = await run(
      "--secret",
      `GITHUB_TOKEN@${API}`,
      "--",
      ...ask(`https://${API}${path}`),
    );
    expect([exitCode, stderr]).toEqual([0, expect.not.stringContaining(TOKEN)]);
    const basic = `Basic ${Buffer.from(`robot:${TOKEN}`).toString("base64")}`;
    expect(askedAt(path)).toBe(tool === "curl over HTTP/1.1" ? basic : `Bearer ${TOKEN}`);
    expect(stdout).toContain("[REDACTED]");
    expect(stdout).not.toContain(TOKEN);
  });
});

describe("the command", () => {
  test("has a placeholder of the secret's length and shape, and the secret nowhere in its environment", async () => {
    const { stdout } = await machine.run(["--secret", `GITHUB_TOKEN@${API}`, "--", "env"], {
      env: { ...env, GH_TOKEN: TOKEN, COPY: `x${TOKEN}`, CODED: Buffer.from(TOKEN).toString("base64") },
    });
    const [, placeholder = ""] = /^GITHUB_TOKEN=(.*)$/m.exec(stdout) ?? [];
    expect(placeholder).toMatch(/^ghp_[A-Za-z0-9]{36}$/);
    expect(stdout).not.toContain(TOKEN);
    expect(stdout).toContain(`GH_TOKEN=${placeholder}\n`);
    expect(stdout).toContain(`COPY=x${placeholder}\n`);
    expect(stdout).not.toContain("CODED=");
  });

  test("finds the roots that it is to trust, and cannot change them", async () => {
    const look = `ls /run/egress; grep -c BEGIN /run/egress/extra.pem; echo x > /run/egress/extra.pem || echo read-only`;
    const none = Object.fromEntries(ROOT_VARIABLES.map((name) => [name, undefined]));
    const { stdout } = await machine.run(["--secret", `GITHUB_TOKEN@${API}`, "--", "sh", "-c", look], {
      env: { ...env, ...none },
    });
    expect(stdout).toBe("bundle.p12\nbundle.pem\nextra.pem\n1\nread-only\n");
  });

  test("is refused where a placeholder goes to another header, and nothing is sent", async () => {
    const ask = `curl -sS -A "$GITHUB_TOKEN" https://${API}/misplaced`;
    const { stdout } = await run("--secret", `GITHUB_TOKEN@${API}`, "--", "sh", "-c", ask);
    expect(stdout).toContain("a secret's placeholder is in the header user-agent");
    expect(askedAt("/misplaced")).toBeUndefined();
  });

  test("reaches another host as it is, with its certificate, and that gets the placeholder", async () => {
    const ask = `curl -sS -k -H "Authorization: $GITHUB_TOKEN" https://${OTHER}/other; echo "=$GITHUB_TOKEN"`;
    const { stdout } = await run("--secret", `GITHUB_TOKEN@${API}`, "--allow", OTHER, "--", "sh", "-c", ask);
    const [, placeholder = ""] = /=(\S+)\n$/.exec(stdout) ?? [];
    expect(askedAt("/other")).toBe(placeholder);
  });
});

test("with a header the secret is set there, whatever the command sends", async () => {
  const asked = await run(
    `--secret=GITHUB_TOKEN@${API}:authorization`,
    "--",
    "curl",
    "-sS",
    `https://${API}/set`,
  );
  expect([asked.exitCode, askedAt("/set")]).toEqual([0, `Bearer ${TOKEN}`]);
});

test.each(["PROPFIND", "PURGE"])("a request of the method %s gets the secret", async (method) => {
  const ask = `curl -sS -X ${method} -H "Authorization: Bearer $GITHUB_TOKEN" https://${API}/by-${method}`;
  const { exitCode } = await run("--secret", `GITHUB_TOKEN@${API}`, "--", "sh", "-c", ask);
  expect([exitCode, askedAt(`/by-${method}`)]).toEqual([0, `Bearer ${TOKEN}`]);
});

test("a secret that is a word leaves PATH and HOME to the command, and the caller is told", async () => {
  const ask = `curl -sS -H "Authorization: Bearer $PW" https://${API}/short; echo "$HOME $PGPASSWORD"`;
  const { exitCode, stdout, stderr } = await machine.run(["--secret", `PW@${API}`, "--", "sh", "-c", ask], {
    env: { ...env, PW: "bin", PGPASSWORD: "bin", HOME: "/bin" },
  });
  expect([exitCode, askedAt("/short")]).toEqual([0, "Bearer bin"]);
  expect(stdout).toMatch(/\/bin egress-secret-\w+\n$/);
  expect(stderr).toContain("PW is short");
  expect(stderr).toMatch(/these variables have it and are left:.* HOME/);
  expect(stderr).toMatch(/these variables have it and are left:.* PATH/);
});

test("--secret-command takes what a command prints", async () => {
  const ask = `curl -sS -H "Authorization: Bearer $T" https://${API}/command`;
  const { exitCode } = await run(
    `--secret-command=T@${API}=printf 's3cr3t-%s\\n' printed`,
    "--",
    "sh",
    "-c",
    ask,
  );
  expect([exitCode, askedAt("/command")]).toEqual([0, "Bearer s3cr3t-printed"]);
});

test("without root it is the same", async () => {
  const place = await makePlaceOf(UID, UID);
  try {
    const ask = `curl -sS -H "Authorization: Bearer $GITHUB_TOKEN" https://${API}/without-root`;
    const { exitCode, stdout } = await machine.run(
      ["--secret", `GITHUB_TOKEN@${API}`, "--", "sh", "-c", ask],
      {
        under: asUser(UID, UID),
        env: { ...env, TMPDIR: place, XDG_RUNTIME_DIR: undefined, HOME: place },
      },
    );
    expect([exitCode, askedAt("/without-root")]).toEqual([0, `Bearer ${TOKEN}`]);
    expect(stdout).toContain("[REDACTED]");
  } finally {
    await rm(place, { recursive: true, force: true });
  }
});

test("a command that has the secret in its arguments is refused, and does not run", async () => {
  const { exitCode, stdout, stderr } = await run(
    "--secret",
    `GITHUB_TOKEN@${API}`,
    "--",
    "echo",
    `Bearer ${TOKEN}`,
  );
  expect([exitCode, stdout]).toEqual([125, ""]);
  expect(stderr).toContain("argument 1 of the command holds the value of GITHUB_TOKEN");
  expect(stderr).not.toContain(TOKEN);
});

test.each([
  [["--secret", `UNSET@${API}`], "--secret: UNSET is not set in the environment"],
  [["--secret", `GITHUB_TOKEN=${TOKEN}@${API}`], "a value has no place on the command line"],
  [["--secret-command", `T@${API}=exit 3`], "a command that should print a secret has failed: exit 3"],
  [["--secret", `GITHUB_TOKEN@${API}`, "--deny", API], "is not allowed by egress policy"],
])("%j is refused before the command runs", async (args, message) => {
  const { exitCode, stdout, stderr } = await run(...args, "--", "echo", "ran");
  expect([exitCode, stdout]).toEqual([125, ""]);
  expect(stderr).toContain(message);
  expect(stderr).not.toContain(TOKEN);
});
