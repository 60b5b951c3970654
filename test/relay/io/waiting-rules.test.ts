/** Requests that wait while the rules change: none goes out by the rules as they were. */
import { createServer, type Server } from "node:https";
import { createSecureServer } from "node:http2";
import { expect, test } from "vitest";
import type { RequestRules } from "../../../src/intercept/request-rules.ts";
import { until } from "../../support/until.ts";
import { request } from "../gate/payloads.ts";
import { askH2, dialH2 } from "./h2-client.ts";
import { CERTIFICATE, connectRaw, listen, NAME, startRelay } from "./world.ts";

const REFUSING = { layer: "user", rule: "no deletes" };

/** They refuse DELETE once they are changed. */
function createRules() {
  let revision = {};
  let isChanged = false;
  const rules: RequestRules = {
    revision: () => revision,
    isRuled: () => true,
    findJudge: () => (asked) => (isChanged && asked.methods.includes("DELETE") ? REFUSING : undefined),
  };
  return {
    rules,
    change() {
      isChanged = true;
      revision = {};
    },
  };
}

/** An origin that answers requests for `/hang` once it is told to. */
interface Origin {
  readonly server: Server | ReturnType<typeof createSecureServer>;
  readonly seen: string[];
  readonly hanging: (() => void)[];
}

function createH1(): Origin {
  const [seen, hanging]: [string[], (() => void)[]] = [[], []];
  const server = createServer({ ...CERTIFICATE, ALPNProtocols: ["http/1.1"] }, (asked, answer) => {
    seen.push(asked.method ?? "");
    if (asked.url === "/hang") hanging.push(() => void answer.end());
    else answer.end();
  });
  return { server, seen, hanging };
}

function createH2(): Origin {
  const [seen, hanging]: [string[], (() => void)[]] = [[], []];
  const settings = { maxConcurrentStreams: 32 };
  const server = createSecureServer({ ...CERTIFICATE, settings }, (asked, answer) => {
    seen.push(asked.method);
    if (asked.url === "/hang") hanging.push(() => void answer.end());
    else answer.end();
  });
  return { server, seen, hanging };
}

test.each([
  ["a line of HTTP/1.1", createH1],
  ["a stream of HTTP/2", createH2],
])("for %s while others have them all", async (_, create) => {
  const { rules, change } = createRules();
  const { server, seen, hanging } = create();
  const relay = await startRelay({ origin: await listen(server), protocols: ["h2"], rules });
  const client = dialH2(relay.port);
  // The origin's settings are known by then.
  expect(await askH2(client, {})).toMatchObject({ status: 200 });
  const busy = Array.from({ length: 32 }, async () => askH2(client, { ":path": "/hang" }));
  await until("all are busy", () => hanging.length === 32);
  const refused = askH2(client, { ":method": "DELETE" });
  const passed = askH2(client, { ":method": "PUT" });
  // Their heads have come once this answer has.
  await new Promise<void>((done) => void client.ping(() => done()));
  change();
  for (const answer of hanging.splice(0)) answer();
  await Promise.all(busy);
  expect(await refused).toMatchObject({ status: 403, body: expect.stringContaining("no deletes") });
  expect(await passed).toMatchObject({ status: 200 });
  expect(seen).not.toContain("DELETE");
});

test.each(["h2", "http/1.1"] as const)("for the origin to be reached, over %s", async (protocol) => {
  const { rules, change } = createRules();
  const { server, seen } = createH1();
  const { promise: reached, resolve: reach } = Promise.withResolvers<void>();
  const relay = await startRelay({ origin: await listen(server), protocols: [protocol], rules, reached });
  const ask = async (): Promise<string> => {
    if (protocol === "h2") return (await askH2(dialH2(relay.port), { ":method": "DELETE" })).body;
    const client = await connectRaw(relay.port);
    client.socket.write(request("DELETE / HTTP/1.1", `Host: ${NAME}`));
    return client.has("\r\n\r\n");
  };
  const answer = ask();
  await until("the origin is dialled", () => relay.dialled() === 1);
  change();
  reach();
  expect(await answer).toContain(protocol === "h2" ? "no deletes" : "HTTP/1.1 403 ");
  expect(seen).toEqual([]);
});
