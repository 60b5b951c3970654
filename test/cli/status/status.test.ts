import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { StatusSources } from "../../../src/api/status.ts";
import { runCli } from "../../../src/cli/main.ts";
import { startApi } from "../../api/api-server.ts";
import { REPORT, statusSources } from "../../api/status-sources.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "egress-cli-"));
});
afterAll(() => rm(folder, { recursive: true }));

/** `egress status ...` beside a sidecar with these sources, without one where there are none. */
async function egressStatus(sources: StatusSources | undefined, ...argv: readonly string[]) {
  const socketPath = join(await mkdtemp(join(folder, "run-")), "egress.sock");
  await using _api = sources && (await startApi({ status: sources, socketPath }));
  return await callStatus(socketPath, argv);
}

async function callStatus(socketPath: string, argv: readonly string[]) {
  let printed = "";
  let warned = "";
  const exitCode = await runCli(["status", ...argv], {
    env: { OPENSANDBOX_EGRESS_SOCKET: socketPath },
    program: ["egress"],
    print: (text) => void (printed += text),
    warn: (text) => void (warned += text),
  });
  return { exitCode, printed, warned };
}

test("people see it in columns", async () => {
  const learned = { ...REPORT.learned, next: 41 };
  const sources = statusSources({
    uptimeSeconds: () => 93_784,
    report: () => ({
      ...REPORT,
      learned,
      interfaces: { guarded: ["eth0"], unguarded: [{ name: "v*0", reason: "nft cannot be told its name" }] },
      upstreams: [...REPORT.upstreams, { address: "2001:db8::1", port: 53, alive: false }],
    }),
    protections: () => [
      { name: "connections", state: "on", required: true },
      { name: "raw-frames", state: "off", reason: "no\thook", required: false },
    ],
  });
  const { exitCode, printed, warned } = await egressStatus(sources);
  expect({ exitCode, warned }).toEqual({ exitCode: 0, warned: "" });
  expect(printed.replace(/^etag .*$/m, "etag")).toBe(`version     1.2.3
up          1 d 02:03:04
health      ok
policy      deny_all (dns+nft), default action: deny
rules       0 deny.always, 0 allow.always, 0 of the user, 0 log_skip.always
rule files  /rules/deny.always
etag
generation  7
interfaces  eth0, v*0 (not guarded)
resolver    127.0.0.1:15353, [::1]:15353
upstreams   192.0.2.1:53, [2001:db8::1]:53 (does not answer)
addresses   2 of at most 65536

protections
  connections  on   required
  raw-frames   off            no\\u{9}hook

addresses that lookups have opened
  198.51.100.1     59 s left  used 1 s ago  one.example.org
  2001:db8:100::1  ?          used 0 s ago  two.example.org one.example.org
  more: --after 41

counted so far
  egress.policy.denied_total  3
`);
});

test("programs get the API's JSON, and choose the page", async () => {
  const asked: object[] = [];
  const sources = statusSources({ report: (page) => (asked.push(page), REPORT) });
  const { exitCode, printed } = await egressStatus(sources, "--json", "--limit", "7", "--after", "41");
  expect(exitCode).toBe(0);
  expect(JSON.parse(printed)).toMatchObject({ status: "ok", version: "1.2.3", learned: { total: 2 } });
  expect(asked).toEqual([{ limit: 7, after: 41 }]);
});

test.each([
  [["--limit", "many"], 64, "egress status: --limit: is not a whole number\n"],
  [["--limit"], 64, "egress status: "],
  [["now"], 64, "egress status: "],
  [["--url", "http://192.0.2.2", "--socket", "/run/x"], 64, "egress status: --url and --socket"],
  [["--limit", "1001"], 65, "egress status: limit: must be"],
  [["--after", "x"], 65, "egress status: after: must be"],
])("%j ends with %i", async (argv, exitCode, beginning) => {
  const { printed, warned, ...end } = await egressStatus(statusSources(), ...argv);
  expect(end).toEqual({ exitCode });
  expect(printed).toBe("");
  expect(warned.slice(0, beginning.length)).toBe(beginning);
});

test("where nothing answers, it says where it looked", async () => {
  const { exitCode, warned } = await egressStatus(undefined);
  expect(exitCode).toBe(69);
  expect(warned).toMatch(/^egress status: .*egress\.sock/);
});

test.each<[string, (good: object) => object]>([
  ["nothing", () => ({ status: "ok" })],
  ["a policy", () => ({ status: "ok", mode: "deny_all", enforcementMode: "dns", version: "1" })],
  ["parts of another kind", (good) => ({ ...good, protections: {} })],
  ["null in a list", (good) => ({ ...good, upstreams: [null] })],
  ["a number for a text", (good) => ({ ...good, version: 7 })],
])("a server that answers with %s is not the sidecar", async (_what, spoil) => {
  const good: unknown = JSON.parse((await egressStatus(statusSources(), "--json")).printed);
  if (typeof good !== "object" || good === null) throw new TypeError("no status");
  const socketPath = join(await mkdtemp(join(folder, "run-")), "egress.sock");
  const server = createServer((_incoming, outgoing) => {
    outgoing.setHeader("Content-Type", "application/json").end(JSON.stringify(spoil(good)));
  });
  await once(server.listen(socketPath), "listening");
  const answer = await callStatus(socketPath, []);
  server.close();
  expect(answer).toEqual({
    exitCode: 69,
    printed: "",
    warned: "egress status: what answers there is not the sidecar\n",
  });
});

test("--help tells of every option", async () => {
  const { exitCode, printed } = await egressStatus(undefined, "--help");
  expect(exitCode).toBe(0);
  for (const option of ["--limit", "--after", "--json", "--socket", "--url", "--token"])
    expect(printed).toContain(option);
});
