/**
 * Flows to addresses of bound names: the kernel's part and the interceptor together, with clients and sites
 * that others wrote.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { Argv } from "../../src/netns/command.ts";
import { execIn } from "../../src/netns/namespace.ts";
import { createRulesetLab, type RulesetLab } from "../netfilter/ruleset-lab.ts";
import { FAMILIES, type Family, skipWithoutFamily } from "../support/families.ts";
import { type JsonServer, startJsonServer } from "../support/json-server.ts";
import { createOriginAuthority, type OriginAuthority } from "../support/origin-certificates.ts";
import { compiledPolicy } from "../support/policy.ts";
import { until } from "../support/until.ts";
import { workloadArgv } from "../support/workload.ts";

const file = (name: string): string => fileURLToPath(new URL(`../${name}`, import.meta.url));
const [BOUND, OTHER, DENIED, ELSEWHERE] = [
  "bound.example.org",
  "other.example.org",
  "denied.example.org",
  "elsewhere.example.org",
];
const RESET_BY_PEER = [35, 52, 56];

let on: RulesetLab;
let origin: JsonServer;
let interceptor: JsonServer;
let sandboxCa: OriginAuthority;
let originCa: OriginAuthority;

beforeAll(async () => {
  on = await createRulesetLab();
  [sandboxCa, originCa] = [createOriginAuthority(), createOriginAuthority()];
  const sites = [BOUND, OTHER, DENIED, ELSEWHERE].map((name) => [name, originCa.issue([name])]);
  origin = await startJsonServer(on.lab.internet, [
    process.execPath,
    file("support/servers/origin-child.ts"),
    put("sites.json", JSON.stringify(Object.fromEntries(sites))),
  ]);
  put("sandbox-ca.pem", sandboxCa.ca);
  put("origin-ca.pem", originCa.ca);
  await load(7);
  interceptor = await startInterceptor();
});
afterAll(async () => {
  await interceptor[Symbol.asyncDispose]();
  await origin[Symbol.asyncDispose]();
  await on[Symbol.asyncDispose]();
});

function put(name: string, text: string): string {
  const path = join(on.lab.stateFolder, name);
  writeFileSync(path, text);
  return path;
}
const at = (name: string): string => join(on.lab.stateFolder, name);

/** `one` of the lab is where the bound name is, and others are there too. */
async function load(generation: number): Promise<void> {
  const learned = (address: string) => [{ address, timeoutSeconds: 3600, comment: BOUND }];
  await on.load({
    policy: compiledPolicy("deny", `allow ${BOUND}`, "allow 198.51.100.2", "allow 2001:db8:100::2"),
    generation,
    intercept: { ports: [80, 443] },
    restore: { v4: learned("198.51.100.1"), v6: learned("2001:db8:100::1") },
  });
}

async function startInterceptor(): Promise<JsonServer> {
  const given = FAMILIES.map(({ one }) => ({ name: BOUND, address: one }));
  const facts = {
    bound: [BOUND, ELSEWHERE],
    allowed: [BOUND, OTHER, ELSEWHERE],
    given,
    leaves: { [BOUND]: sandboxCa.issue([BOUND]) },
    ca: originCa.ca,
  };
  return startJsonServer(on.lab.sandbox, [
    process.execPath,
    file("intercept/interceptor-child.ts"),
    put("facts.json", JSON.stringify(facts)),
  ]);
}

async function asWorkload(
  ...argv: Argv
): Promise<{ code: number | undefined; stdout: string; stderr: string }> {
  const { exitCode, stdout, stderr } = await execIn(on.lab.sandbox, workloadArgv(argv), { input: "" });
  return { code: exitCode, stdout, stderr };
}
const bracketed = (address: string): string => (address.includes(":") ? `[${address}]` : address);

async function curl(
  url: string,
  address: string,
  ...options: readonly string[]
): ReturnType<typeof asWorkload> {
  const { hostname, port, protocol } = new URL(url);
  const place = `${hostname}:${port === "" ? (protocol === "https:" ? 443 : 80) : port}:${bracketed(address)}`;
  return asWorkload("curl", "-s", "--max-time", "60", "--resolve", place, ...options, url);
}
const trusting = (ca: string): readonly string[] => ["--cacert", at(ca)];

/** Lines of the origin that came while it ran; a mark at the end says that all have come. */
async function requestsDuring(run: () => Promise<unknown>): Promise<readonly unknown[]> {
  const before = origin.lines.length;
  await run();
  const path = `/mark-${before}`;
  const argv = ["curl", "-sk", "--resolve", `${OTHER}:443:127.0.0.1`, `https://${OTHER}${path}`] as const;
  await execIn(on.lab.internet, argv);
  await until("the mark is seen", () => origin.lines.some((line) => line["path"] === path));
  return origin.lines.slice(before).filter((line) => line.event === "request" && line["path"] !== path);
}
async function refusal(wanted: Readonly<Record<string, unknown>>): Promise<void> {
  await expect
    .poll(() => interceptor.lines)
    .toContainEqual(expect.objectContaining({ event: "refused", ...wanted }));
}

describe.each(FAMILIES)("$name", (family: Family) => {
  const { one, two } = family;
  beforeEach((context) => skipWithoutFamily(context, on.lab, family));

  test("curl to the bound name is answered here, and the host hears of it with one field more", async () => {
    const options = ["--http1.1", ...trusting("sandbox-ca.pem")];
    const { code, stdout } = await curl(`https://${BOUND}/a`, one, ...options);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      sni: BOUND,
      host: BOUND,
      path: "/a",
      injected: "yes",
      port: 443,
    });
  });

  test("curl speaks HTTP/2 with the interceptor, and that with the host", async () => {
    const { code, stdout } = await curl(`https://${BOUND}/h2`, one, "--http2", ...trusting("sandbox-ca.pem"));
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ version: "2.0", sni: BOUND, path: "/h2" });
    await expect.poll(() => interceptor.lines).toContainEqual(expect.objectContaining({ protocol: "h2" }));
  });

  test("Python and Node to the bound name are answered here", async () => {
    const python = `import socket, ssl
socket_ = socket.create_connection(("${one}", 443))
tls = ssl.create_default_context(cafile="${at("sandbox-ca.pem")}").wrap_socket(socket_, server_hostname="${BOUND}")
tls.sendall(b"GET /python HTTP/1.1\\r\\nHost: ${BOUND}\\r\\nConnection: close\\r\\n\\r\\n")
print(tls.makefile("rb").read().decode())`;
    expect((await asWorkload("python3", "-c", python)).stdout).toContain('"injected":"yes"');
    const node = `require("https").get({ host: "${one}", servername: "${BOUND}", headers: { host: "${BOUND}" } },
      (answer) => answer.pipe(process.stdout))`;
    const run = await asWorkload(
      "env",
      `NODE_EXTRA_CA_CERTS=${at("sandbox-ca.pem")}`,
      process.execPath,
      "-e",
      node,
    );
    expect(run.stdout).toContain('"injected":"yes"');
  });

  test("another allowed name at the address is passed on unread: the certificate is the host's own", async () => {
    const { code, stdout } = await curl(`https://${OTHER}/b`, one, ...trusting("origin-ca.pem"));
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toEqual(expect.objectContaining({ sni: OTHER, host: OTHER, path: "/b" }));
    expect(JSON.parse(stdout)).not.toHaveProperty("injected");
  });

  test.each([
    ["a denied name", DENIED, "denied"],
    ["a bound name whose address it is not", ELSEWHERE, "elsewhere"],
  ])("%s is reset and told, and nothing reaches the host", async (_what, name, why) => {
    const seen = await requestsDuring(async () => {
      expect(RESET_BY_PEER).toContain((await curl(`https://${name}/`, one, "-k")).code);
    });
    expect(seen).toEqual([]);
    await refusal({ why, name, address: one, port: 443 });
  });

  test.each([
    ["without a server name", ["-noservername"]],
    ["of an old version", ["-servername", BOUND, "-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0"]],
  ])("a hello %s has no handshake", async (_what, options) => {
    const argv = ["openssl", "s_client", "-connect", `${bracketed(one)}:443`, ...options] as const;
    expect((await asWorkload(...argv)).code).not.toBe(0);
  });

  test("what is neither TLS nor HTTP is reset", async () => {
    const python = `import socket
connection = socket.create_connection(("${one}", 443))
connection.sendall(b"SSH-2.0-x\\r\\n")
print(connection.recv(1))`;
    expect((await asWorkload("python3", "-c", python)).stderr).toContain("ConnectionResetError");
    await refusal({ why: "unnamed", reason: "neither TLS nor HTTP", address: one });
  });

  test("an address that no bound name has is reached directly", async () => {
    const { code, stdout } = await curl(`https://${OTHER}/direct`, two, ...trusting("origin-ca.pem"));
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ path: "/direct" });
    expect(interceptor.lines.some((line) => line["address"] === two)).toBe(false);
  });

  test("a port that is not intercepted is reached directly", async () => {
    const { code, stdout } = await curl(`https://${BOUND}:8443/c`, one, ...trusting("origin-ca.pem"));
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).not.toHaveProperty("injected");
  });

  test("the interceptor's own port takes nobody, and nobody is answered in its name", async () => {
    const port = String(interceptor.lines[0]?.["port"]);
    const loopback = family.name === "IPv4" ? "127.0.0.1" : "::1";
    expect((await asWorkload("curl", "-sk", `https://${bracketed(loopback)}:${port}/`)).code).toBe(7);
    const squat = `import socket
socket.socket(socket.AF_INET${family.name === "IPv4" ? "" : "6"}).bind(("${loopback}", ${port}))`;
    expect((await asWorkload("python3", "-c", squat)).stderr).toContain("Address already in use");
  });

  test("UDP to the port of a bound name's address is refused", async () => {
    const python = `import socket
connection = socket.socket(socket.AF_INET${family.name === "IPv4" ? "" : "6"}, socket.SOCK_DGRAM)
connection.sendto(b"x", ("${one}", 443))`;
    expect((await asWorkload("python3", "-c", python)).stderr).toContain("Operation not permitted");
  });
});

test("a flow that is older than the binding is reset once the generation changes", async () => {
  // An address that is not bound yet.
  const client = on.lab.startAsWorkload([
    "python3",
    "-c",
    `import socket, sys
connection = socket.create_connection(("198.51.100.2", 443))
print("open", flush=True)
sys.stdin.readline()
try:
    connection.sendall(b"x")
    connection.settimeout(30)
    print("answered", connection.recv(1))
except ConnectionResetError:
    print("reset")`,
  ]);
  const said: string[] = [];
  client.stdout.on("data", (chunk: Buffer) => said.push(chunk.toString()));
  await until("it is open", () => said.join("").includes("open"));
  await execIn(on.lab.sandbox, ["nft", "add element inet opensandbox bound_v4 { 198.51.100.2 }"]);
  await load(8);
  client.stdin.write("\n");
  await until("it ends", () => client.hasEnded());
  expect(said.join("")).toContain("reset");
  await execIn(on.lab.sandbox, ["nft", "delete element inet opensandbox bound_v4 { 198.51.100.2 }"]);
});

test("once the interceptor is killed bound names are refused, whoever takes its port; and all others are reached", async () => {
  // Ports of connections that were open stay taken for a minute: a new one has had none.
  for (const isFirst of [true, false]) {
    interceptor.process.kill("SIGKILL");
    await interceptor.process.end;
    if (isFirst) interceptor = await startInterceptor();
  }
  const port = String(interceptor.lines[0]?.["port"]);
  const squatter = await startJsonServer(
    on.lab.sandbox,
    workloadArgv([
      "python3",
      "-c",
      `import json, socket
server = socket.create_server(("127.0.0.1", ${port}))
print(json.dumps({"event": "ready"}), flush=True)
connection, _ = server.accept()
print(json.dumps({"event": "accepted"}), flush=True)`,
    ]),
  );
  try {
    for (const { one, two } of FAMILIES.slice(0, on.lab.ipv6 ? 2 : 1)) {
      expect((await curl(`https://${BOUND}/`, one, "-k")).code).toBe(7);
      expect((await curl(`https://${OTHER}/`, two, "-k")).code).toBe(0);
    }
    expect(squatter.lines.map(({ event }) => event)).toEqual(["ready"]);
  } finally {
    await squatter[Symbol.asyncDispose]();
  }
  interceptor = await startInterceptor();
  expect((await curl(`https://${BOUND}/`, "198.51.100.1", ...trusting("sandbox-ca.pem"))).code).toBe(0);
});
