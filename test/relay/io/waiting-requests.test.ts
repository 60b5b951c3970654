/** Requests that wait for the origin while the vault changes: none goes out by the vault as it was. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:https";
import { createSecureServer } from "node:http2";
import { describe, expect, test } from "vitest";
import type { VaultInForce } from "../../../src/vault/vault-in-force.ts";
import { createVaultInForce } from "../../../src/vault/vault-in-force.ts";
import { until } from "../../support/until.ts";
import { binding, credential, vaultOf } from "../../vault/make-vault.ts";
import { request } from "../gate/payloads.ts";
import { askH2, dialH2 } from "./h2-client.ts";
import { CERTIFICATE, connectRaw, listen, NAME, startRelay } from "./world.ts";

const LINES = 32;
const NEXT = "the-s3cr3t-that-follows";

/** The binding is deleted, its credential is kept. */
const UNBOUND: VaultInForce = createVaultInForce({
  revision: 2,
  tag: 2,
  bindings: [],
  credentialIds: new Set([1]),
  secrets: [],
});
const replaced = vaultOf(
  binding("token", { hosts: [NAME], auth: { type: "bearer", credential: credential("token", NEXT) } }),
);
const refusing = vaultOf(
  binding("token", {
    hosts: [NAME],
    auth: { type: "bearer", credential: credential("token", undefined) },
  }),
);

const CHANGES: readonly (readonly [string, VaultInForce, string])[] = [
  ["its binding is deleted", UNBOUND, "200 "],
  ["its credential is replaced", replaced, `200 Bearer ${NEXT}`],
  ["its credential has no value any more", refusing, "503 "],
];

const tell = (asked: IncomingMessage, answer: ServerResponse): void =>
  void answer.end(asked.headers.authorization ?? "");

describe("for a line of HTTP/1.1 while others have them all", () => {
  test.each(CHANGES)("%s", async (_what, next, told) => {
    const held: (() => void)[] = [];
    const server = createServer({ ...CERTIFICATE, ALPNProtocols: ["http/1.1"] }, (asked, answer) => {
      if (relay.vault.inForce() === next) tell(asked, answer);
      else held.push(() => tell(asked, answer));
    });
    const relay = await startRelay({ origin: await listen(server), protocols: ["h2"] });
    const client = dialH2(relay.port);
    const busy = Array.from({ length: LINES }, async () => askH2(client, {}));
    await until("all lines are busy", () => held.length === LINES);
    const waiting = askH2(client, { ":method": "POST" }, "the body");
    await until("it waits", () => relay.told.injected.length === LINES && relay.dialled() === LINES);
    // Its head has come once this answer has.
    await new Promise<void>((done) => void client.ping(() => done()));
    for (let change = 0; change < 20; change += 1) relay.vault.write(change % 2 === 0 ? replaced : next);
    relay.vault.write(next);
    for (const answer of held.splice(0)) answer();
    for (const answer of await Promise.all(busy)) expect(answer.body).not.toContain(NEXT);
    const { status, body } = await waiting;
    expect(`${status} ${status === 200 ? body : ""}`).toBe(told);
    expect(relay.told.injected).toHaveLength(LINES + (next === replaced ? 1 : 0));
  });
});

async function askByH2(port: number): Promise<string> {
  const { status, body } = await askH2(dialH2(port), { ":method": "POST" }, "the body");
  return `${status} ${status === 200 ? body : ""}`;
}

async function askByH1(port: number): Promise<string> {
  const client = await connectRaw(port);
  client.socket.write(request("POST / HTTP/1.1", `Host: ${NAME}`, "Connection: close", "Content-Length: 8"));
  client.socket.write("the body");
  await until("it is answered", client.closed);
  const [, status = "", body = ""] = /^HTTP\/1.1 (\d+) [^]*\r\n\r\n([^]*)$/.exec(client.text()) ?? [];
  return `${status} ${status === "200" ? body : ""}`;
}

describe.each([
  ["HTTP/1.1", "http/1.1", askByH1],
  ["HTTP/2", "h2", askByH2],
] as const)("for the origin to be reached, over %s", (_version, protocol, ask) => {
  test.each(CHANGES)("%s", async (_what, next, told) => {
    const server = createSecureServer({ ...CERTIFICATE, allowHTTP1: true }, (asked, answer) => {
      const { authorization = "" } = asked.headers;
      answer.setHeader("Content-Length", authorization.length);
      answer.end(authorization);
    });
    const reached = Promise.withResolvers<void>();
    const relay = await startRelay({
      origin: await listen(server),
      protocols: [protocol],
      reached: reached.promise,
    });
    const asking = ask(relay.port);
    await until("it waits", () => relay.dialled() === 1);
    relay.vault.write(next);
    reached.resolve();
    expect(await asking).toBe(told);
  });
});
