/**
 * What `egress doctor` says of the tools that trust the sandbox's roots, beside what these tools do: each
 * asks a bound host, with the variables that the doctor has looked at.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, test, type TestContext } from "vitest";
import { z } from "zod";
import { openTrustPlace } from "../../src/cli/doctor/trust-place.ts";
import { collectRoots } from "../../src/cli/run/secrets/trust-files.ts";
import { trustEnvironment } from "../../src/cli/run/secrets/trust-environment.ts";
import { encodeJavaStore } from "../../src/certificates/java-store.ts";
import { examineTrust, type ToolTrust } from "../../src/doctor/trust/examine-trust.ts";
import type { Argv } from "../../src/netns/command.ts";
import { findTool } from "../../src/netns/find-tool.ts";
import { execIn, HERE } from "../../src/netns/namespace.ts";
import { API, useBoundHosts } from "../support/bound-hosts.ts";
import { BUILD_MS } from "../support/limits.ts";
import { withOwnPlaces } from "../support/own-places.ts";
import { PYTHON_WITH_SDK } from "../support/python-sdk.ts";
import { skipBecause } from "../support/skip.ts";
import { MAIN } from "../support/tested-program.ts";
import { workloadArgv } from "../support/workload.ts";

const URL_OF_BOUND = `https://${API}/`;
const hosts = useBoundHosts();
const { lab } = hosts;
const PATH = `${dirname(PYTHON_WITH_SDK)}:${process.env["PATH"] ?? ""}`;
const at = (name: string): string => join(lab.stateFolder, name);
const clientFile = (name: string): string =>
  fileURLToPath(new URL(`../support/clients/${name}`, import.meta.url));
const isThere = (program: string): boolean => findTool(program, PATH) !== undefined;

/** The sandbox's roots, as the workload has them. */
let ours: string;
let plain: Readonly<Record<string, string>>;
/** What `egress run` gives its command. */
let trusting: Readonly<Record<string, string>>;

beforeAll(async () => {
  const sidecar = await hosts.start();
  await hosts.bind(sidecar, [API]);
  ours = hosts.bundle(sidecar);
  mkdirSync(at("home"));
  plain = { PATH, HOME: at("home"), GIT_TERMINAL_PROMPT: "0" };
  const { extra, bundle } = collectRoots(readFileSync(ours, "utf8"), {}, (path) =>
    readFileSync(path, "utf8"),
  );
  writeFileSync(at("extra.pem"), extra);
  writeFileSync(at("all.pem"), bundle);
  writeFileSync(at("all.p12"), encodeJavaStore(bundle));
  const files = { extra: at("extra.pem"), bundle: at("all.pem"), javaStore: at("all.p12") };
  trusting = { ...plain, ...trustEnvironment(files, {}) };
  if (isThere("javac")) await build(["javac", "-d", lab.stateFolder, clientFile("Ask.java")]);
  if (isThere("go"))
    await build(["env", "CGO_ENABLED=0", "go", "build", "-o", at("ask"), clientFile("ask.go")]);
}, BUILD_MS);

async function build(argv: Argv): Promise<void> {
  const { exitCode, stderr } = await execIn(HERE, argv, { timeoutMs: BUILD_MS });
  if (exitCode !== 0) throw new Error(stderr);
}

const ASK_BY_NODE = `await fetch(process.argv[1])`;
const ASK_BY_PYTHON = `import sys, urllib.request
urllib.request.urlopen(sys.argv[1])`;
const ASK_BY_REQUESTS = `import sys
from pip._vendor import requests
requests.get(sys.argv[1])`;

interface Client {
  /** The program that it needs. */
  readonly program: string;
  readonly argv: () => Argv;
}
const CLIENTS: Readonly<Record<string, Client>> = {
  curl: { program: "curl", argv: () => ["curl", "-sS", "-o", "/dev/null", URL_OF_BOUND] },
  openssl: {
    program: "openssl",
    argv: () => [
      "openssl",
      ..."s_client -brief -verify_return_error -connect".split(" "),
      ...`${API}:443 -verify_hostname ${API} -servername ${API}`.split(" "),
    ],
  },
  "python ssl": { program: "python3", argv: () => ["python3", "-c", ASK_BY_PYTHON, URL_OF_BOUND] },
  "python certifi": {
    program: PYTHON_WITH_SDK,
    argv: () => [PYTHON_WITH_SDK, "-c", ASK_BY_REQUESTS, URL_OF_BOUND],
  },
  node: {
    program: "node",
    argv: () => [process.execPath, "--input-type=module", "-e", ASK_BY_NODE, URL_OF_BOUND],
  },
  java: {
    program: "javac",
    argv: () => ["java", "-XX:TieredStopAtLevel=1", "-cp", lab.stateFolder, "Ask", URL_OF_BOUND],
  },
  git: { program: "git", argv: () => ["git", "ls-remote", `${URL_OF_BOUND}repo.git`] },
  "go programs": { program: "go", argv: () => [at("ask"), URL_OF_BOUND] },
};

/** Whether the tool takes the sidecar for the host. */
async function trusts(tool: string, env: Readonly<Record<string, string>>): Promise<boolean> {
  const argv = CLIENTS[tool]?.argv() ?? ["false"];
  const { exitCode, stderr } = await lab.asWorkload(argv, { env });
  const isUntrusted = /certificate|PKIX|unable to (?:get|verify)/i.test(stderr);
  // The host is no server of git's: what it says to that is the host's.
  const isTrusted = exitCode === 0 || (tool === "git" && !isUntrusted);
  if (!isTrusted && !isUntrusted) throw new Error(`${tool}: ${String(exitCode)} ${stderr}`);
  return isTrusted;
}

async function told(env: Readonly<Record<string, string>>, tool: string): Promise<ToolTrust | undefined> {
  const report = await examineTrust(openTrustPlace(env), [ours], true);
  return report?.tools.find((one) => one.tool === tool);
}

function needs(program: string, context: TestContext): void {
  if (findTool(program, PATH) === undefined && findTool(program, "") === undefined)
    skipBecause(context, `${program} is not on this machine`);
}

describe.for(Object.entries(CLIENTS))("%s", ([tool, { program }]) => {
  test("refuses without a variable, and the doctor says so", async (context) => {
    needs(program, context);
    expect((await told(plain, tool))?.outcome).toBe("refused");
    expect(await trusts(tool, plain)).toBe(false);
  });

  test("trusts with what egress run gives its command, and the doctor says by which", async (context) => {
    needs(program, context);
    expect(await told(trusting, tool)).toMatchObject({
      outcome: "trusted",
      detail: expect.stringContaining(lab.stateFolder) as unknown,
    });
    expect(await trusts(tool, trusting)).toBe(true);
  });
});

/** Java's would change this machine. */
const BY_VARIABLE = Object.entries(CLIENTS).filter(([tool]) => tool !== "java");

test.for(BY_VARIABLE)("%s trusts by the doctor's remedy", async ([tool, { program }], context) => {
  needs(program, context);
  const [variable = "", value = ""] = (await told(plain, tool))?.remedy?.split(/[ =,]/) ?? [];
  const env = { ...plain, [variable]: value.replace("BUNDLE", at("all.pem")) };
  expect((await told(env, tool))?.outcome).toBe("trusted");
  expect(await trusts(tool, env)).toBe(true);
});

test("the doctor's report has it beside the attacks, as the workload", async () => {
  const argv = [process.execPath, MAIN, "doctor"] as const;
  const env = { ...trusting, CURL_CA_BUNDLE: at("gone.pem"), OPENSANDBOX_EGRESS_CA_FILE: ours };
  const examine = async (...options: readonly string[]): Promise<string> =>
    (await execIn(lab.sandbox, withOwnPlaces(workloadArgv([...argv, ...options])), { env })).stdout;
  const text = await examine();
  expect(text).toContain(`the sidecar's certificates: ${ours}, good until `);
  expect(text).toMatch(/^trusted +node +NODE_EXTRA_CA_CERTS: .*extra\.pem$/m);
  expect(text).toMatch(
    new RegExp(`^remedy: curl: CURL_CA_BUNDLE=BUNDLE\nremedy: BUNDLE: cat .* ${ours} > BUNDLE$`, "m"),
  );
  const shape = z.object({
    trust: z.object({ file: z.string(), tools: z.array(z.object({ tool: z.string() })) }),
  });
  const { trust } = shape.parse(JSON.parse(await examine("--json")));
  expect(trust.file).toBe(ours);
  expect(trust.tools.map(({ tool }) => tool)).toContain("curl");
});

test("in the operator's place nothing is said of the workload's tools", async () => {
  const argv = [process.execPath, MAIN, "doctor", "--operator"] as const;
  const env = { ...trusting, OPENSANDBOX_EGRESS_CA_FILE: ours };
  const { stdout } = await execIn(lab.sandbox, withOwnPlaces(workloadArgv(argv)), { env });
  expect(stdout).not.toContain("the sidecar's certificates");
});
