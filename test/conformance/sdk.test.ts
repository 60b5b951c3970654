/**
 * The published OpenSandbox SDK against the running sidecar: `Sandbox.connect`, to a stand-in for the
 * lifecycle API that only says where the sidecar is, then the policy calls; straight from a host outside, and
 * by a proxy below a path, from the workload's own loopback.
 */
import type { IncomingMessage } from "node:http";
import { Sandbox } from "@alibaba-group/opensandbox";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { callApi } from "../api/api-server.ts";
import { SANDBOX_V4 } from "../support/lab.ts";
import { type Endpoint, listenLocally, SANDBOX_ID, startLifecycle } from "../support/lifecycle.ts";
import { startRelay } from "../support/relay.ts";
import type { Sidecar } from "../support/sidecar.ts";
import { useLab } from "../support/use-lab.ts";

const PROXY_PATH = `/v1/sandboxes/${SANDBOX_ID}/proxy/18080`;
const ONE = { action: "allow", target: "one.example.org" } as const;

const undo = new AsyncDisposableStack();
const lab = useLab({ ipv6: false });
let sidecar: Sidecar;
/** What the lifecycle API says of the sidecar. */
let answered: Endpoint;
let lifecycle: string;
let direct: Endpoint;
let proxied: Endpoint;
const proxyCalls: IncomingMessage[] = [];

beforeAll(async () => {
  sidecar = await lab.startSidecar();
  const headers = { "OPENSANDBOX-EGRESS-AUTH": sidecar.token };
  const outside = undo.use(await startRelay(lab, { from: "outside", to: SANDBOX_V4 }));
  const inside = undo.use(await startRelay(lab, { from: "workload", to: "127.0.0.1" }));
  direct = { endpoint: `127.0.0.1:${await outside.openPort()}`, headers };
  const proxy = await listenLocally((incoming, outgoing) => {
    proxyCalls.push(incoming);
    void forward(inside.socketPath, incoming).then(({ status, headers: given, text }) =>
      outgoing.writeHead(status, given).end(text),
    );
  });
  proxied = { endpoint: `${undo.use(proxy).place}${PROXY_PATH}`, headers };
  lifecycle = undo.use(await startLifecycle(() => answered)).place;
});
afterAll(() => undo.disposeAsync());
beforeEach(async () => {
  await sidecar.api("PUT", "/policy", { body: {} });
});

/** As the server's proxy does: its own path taken away, the caller's headers kept. */
async function forward(socketPath: string, incoming: IncomingMessage) {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) if (Buffer.isBuffer(chunk)) chunks.push(chunk);
  const body = Buffer.concat(chunks).toString();
  const headers = Object.fromEntries(
    Object.entries(incoming.headers).flatMap(([name, value]) =>
      typeof value === "string" && !["connection", "transfer-encoding"].includes(name) ? [[name, value]] : [],
    ),
  );
  const path = (incoming.url ?? "").replace(PROXY_PATH, "");
  return callApi({ socketPath, method: incoming.method ?? "", path, headers, body });
}

async function connect(endpoint: Endpoint): Promise<Sandbox & AsyncDisposable> {
  answered = endpoint;
  const connectionConfig = { domain: `http://${lifecycle}`, apiKey: "key", endpointCacheDisabled: true };
  const sandbox = await Sandbox.connect({ sandboxId: SANDBOX_ID, skipHealthCheck: true, connectionConfig });
  return Object.assign(sandbox, { [Symbol.asyncDispose]: () => sandbox.close() });
}

describe.each([
  ["straight", () => direct],
  ["by a proxy below a path", () => proxied],
])("%s", (_way, endpoint) => {
  test("the SDK reads, patches and deletes, and the sandbox follows", async () => {
    await using sandbox = await connect(endpoint());
    expect(await sandbox.getEgressPolicy()).toEqual({ defaultAction: "deny", egress: [] });
    await sandbox.patchEgressRules([ONE, { action: "deny", target: "*.wild.example.org" }]);
    expect(await lab.curl("http://one.example.org/")).toMatchObject({ status: 200 });
    expect(await sandbox.getEgressPolicy()).toEqual({
      defaultAction: "deny",
      egress: [ONE, { action: "deny", target: "*.wild.example.org" }],
    });
    await sandbox.deleteEgressRules(["ONE.example.org", "nowhere.example"]);
    expect(await lab.dig("one.example.org", "A")).toMatchObject({ rcode: "NXDOMAIN" });
    await sandbox.deleteEgressRules(["nowhere.example"]);
    expect((await sandbox.getEgressPolicy()).egress).toHaveLength(1);
  });

  test("further keys of a rule pass", async () => {
    await using sandbox = await connect(endpoint());
    const rule = { ...ONE, description: "for later versions of the SDK" };
    await sandbox.patchEgressRules([rule]);
    expect(await sandbox.getEgressPolicy()).toEqual({ defaultAction: "deny", egress: [ONE] });
  });

  test("a rule that later versions of the SDK narrow to ports opens these alone, and is shown as it was sent", async () => {
    await using sandbox = await connect(endpoint());
    const narrowed = { ...ONE, target: "198.51.100.7", ports: [8080] };
    await sandbox.patchEgressRules([narrowed]);
    expect(await sandbox.getEgressPolicy()).toMatchObject({ egress: [narrowed] });
    expect(await lab.curl("http://198.51.100.7:8080/")).toMatchObject({ status: 200 });
    expect(await lab.curl("http://198.51.100.7/")).toMatchObject({ exitCode: 7 });
  });

  test.each([
    ["a dead target", [{ action: "allow", target: "*" }], 400, /^invalid patch rules: \[0\]\.target: "\*"/],
    ["no rules", [], 400, /^invalid patch rules: empty array$/],
  ] as const)("%s is an error that holds the sidecar's line", async (_what, rules, statusCode, line) => {
    await using sandbox = await connect(endpoint());
    const refused = sandbox.patchEgressRules([...rules]);
    await expect(refused).rejects.toMatchObject({
      name: "SandboxApiException",
      statusCode,
      // The SDK's own sentence: it takes a message from JSON alone, and the sidecar answers text unless
      // asked.
      message: "Patch sandbox egress rules failed",
      rawBody: expect.stringMatching(line),
    });
  });

  test("no targets are an error too", async () => {
    await using sandbox = await connect(endpoint());
    await expect(sandbox.deleteEgressRules([])).rejects.toMatchObject({
      statusCode: 400,
      rawBody: "invalid delete targets: empty array",
    });
  });

  test("without the endpoint's headers it is 401", async () => {
    await using sandbox = await connect({ endpoint: endpoint().endpoint });
    const refusal = { statusCode: 401, rawBody: expect.stringMatching(/^unauthorized/) };
    await expect(sandbox.getEgressPolicy()).rejects.toMatchObject(refusal);
    await expect(sandbox.patchEgressRules([ONE])).rejects.toMatchObject(refusal);
    expect((await sidecar.api("GET", "/policy")).text).toContain('"egress":[]');
  });
});

test("the proxied calls come below the path, with the endpoint's token", async () => {
  proxyCalls.length = 0;
  await using sandbox = await connect(proxied);
  await sandbox.getEgressPolicy();
  expect(proxyCalls.map(({ url }) => url)).toEqual([`${PROXY_PATH}/policy`]);
  expect(proxyCalls[0]?.headers["opensandbox-egress-auth"]).toBe(sidecar.token);
});
