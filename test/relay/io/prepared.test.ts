/** Requests after a change of the vault: what looks for its secrets is made first, in slices of turns. */
import { setImmediate as nextTurn } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { runToEnd, type Steps } from "../../../src/policy/steps.ts";
import { createFindChange } from "../../../src/scrub/message-change.ts";
import { redactorSteps } from "../../../src/scrub/redactor.ts";
import { requestFillerSteps } from "../../../src/scrub/request-filler.ts";
import { runInSlices } from "../../../src/sys/in-slices.ts";
import { until } from "../../support/until.ts";
import { createWatch } from "../../../src/scrub/watch.ts";
import { binding, credential, vaultOf } from "../../vault/make-vault.ts";
import { request } from "../gate/payloads.ts";
import { askH2, dialH2 } from "./h2-client.ts";
import { connectRaw, NAME, SECRET, startRawOrigin, startRelay } from "./world.ts";

const HOST = `Host: ${NAME}`;
const LATER = "later-value-of-it";
const bearer = (value: string) =>
  vaultOf(binding("token", { hosts: [NAME], auth: { type: "bearer", credential: credential("T", value) } }));
const answer = (text: string): string =>
  `HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: ${text.length}\r\n\r\n${text}`;

/** A relay that has to wait for what it needs until `go`. */
async function startWaiting(protocol: "h2" | "http/1.1") {
  const origin = await startRawOrigin();
  const gate = Promise.withResolvers<void>();
  const asked = { count: 0 };
  const findChange = createFindChange(undefined, async <T>(steps: Steps<T>) => {
    asked.count++;
    await gate.promise;
    return runToEnd(steps);
  });
  const relay = await startRelay({ origin: origin.port, findChange, protocols: [protocol] });
  return { origin, relay, asked, go: () => gate.resolve() };
}

describe("while that is made", () => {
  test("requests of HTTP/1.1 wait, and then go by the vault of then", async () => {
    const { origin, relay, asked, go } = await startWaiting("http/1.1");
    const client = await connectRaw(relay.port);
    client.socket.write(request("POST /1 HTTP/1.1", HOST, "Content-Length: 3") + "{1}");
    client.socket.write(request("GET /2 HTTP/1.1", HOST));
    await until("it is asked for", () => asked.count === 1);
    relay.vault.write(bearer(LATER));
    expect(origin.connections).toEqual([]);
    go();
    const server = await origin.next();
    await server.has(/^POST \/1 [^]*: Bearer later-value-of-it\r\n[^]*\r\n\r\n\{1\}/);
    server.socket.write(answer(`it is ${LATER}`));
    await client.has("it is [REDACTED]");
    await server.has("GET /2 ");
    server.socket.write(answer("2"));
    await client.has("\r\n1\r\n2\r\n0\r\n\r\n");
    expect(client.text() + server.text()).not.toContain(SECRET);
  });

  test("requests of HTTP/2 wait, with their bodies", async () => {
    const { origin, relay, asked, go } = await startWaiting("h2");
    const asking = askH2(dialH2(relay.port), { ":method": "POST", ":path": "/1" }, "abc");
    await until("it is asked for", () => asked.count === 1);
    relay.vault.write(bearer(LATER));
    expect(origin.connections).toEqual([]);
    go();
    const server = await origin.next();
    await server.has(/: Bearer later-value-of-it\r\n[^]*abc\r\n0\r\n\r\n/);
    server.socket.write(answer(`it is ${LATER}`));
    expect(await asking).toMatchObject({ status: 200, body: "it is [REDACTED]" });
  });

  test("a client that leaves has nothing sent", async () => {
    const { origin, relay, asked, go } = await startWaiting("http/1.1");
    const client = await connectRaw(relay.port);
    client.socket.write(request("GET / HTTP/1.1", HOST));
    await until("it is asked for", () => asked.count === 1);
    client.socket.destroy();
    await until("the relay has noticed", () => relay.open() === 0);
    go();
    await nextTurn();
    expect([origin.connections.length, relay.dialled()]).toEqual([0, 0]);
  });

  test("what a client sends ahead is bounded", async () => {
    const { relay, asked } = await startWaiting("http/1.1");
    const client = await connectRaw(relay.port);
    client.socket.write(request("POST / HTTP/1.1", HOST, `Content-Length: ${64 << 20}`));
    await until("it is asked for", () => asked.count === 1);
    const piece = Buffer.alloc(1 << 20);
    for (let count = 0; count < 64; count += 1) client.socket.write(piece);
    await expect.poll(() => relay.clients[0]?.isPaused()).toBe(true);
  });
});

test("an answer under way loses what later requests have brought, whatever changes meanwhile", async () => {
  const origin = await startRawOrigin();
  const findChange = createFindChange(undefined, runInSlices);
  const relay = await startRelay({ origin: origin.port, findChange });
  const client = await connectRaw(relay.port);
  client.socket.write(request("GET / HTTP/1.1", HOST));
  const server = await origin.next();
  await server.has(SECRET);
  server.socket.write("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n");
  await client.has("data: 1\n\n");
  relay.vault.write(bearer(LATER));
  const later = await connectRaw(relay.port);
  later.socket.write(request("GET / HTTP/1.1", HOST));
  await (await origin.next()).has(LATER);
  const last = bearer("the-last-value");
  relay.vault.write(last);
  // It is begun and not done when the event comes.
  void findChange.prepare(NAME, last);
  server.socket.write(`data: ${LATER} ${SECRET}\n\n`);
  await expect.poll(client.text).toContain("data: [REDACTED] [REDACTED]\n\n");
});

describe("what looks for many secrets", () => {
  const secrets = Array.from({ length: 16 }, (_, n) => `${n}-`.padEnd(1024, `${n * 7}abc/+"`));

  test("is made while other work has its turns", async () => {
    const findChange = createFindChange(undefined, runInSlices);
    const bindings = secrets.map((value, n) => {
      const auth = { type: "apiKey" as const, name: "X-Key", credential: credential("T", value, n) };
      return binding(`b${n}`, { hosts: [NAME], paths: [`/${n}`], auth });
    });
    const vault = vaultOf(...bindings);
    let turns = 0;
    const turn = (): void => {
      turns++;
      if (findChange.prepare(NAME, vault) !== undefined) setImmediate(turn);
    };
    setImmediate(turn);
    await findChange.prepare(NAME, vault);
    expect(turns).toBeGreaterThan(10);
    expect(findChange.prepare(NAME, vault)).toBeUndefined();
  });

  test("so is what fills placeholders, whatever the places of each", () => {
    const substitutions = secrets.map((placeholder, n) => ({
      placeholder,
      value: "v",
      places: n % 2 === 0 ? (["path", "body"] as const) : (["body"] as const),
    }));
    const steps = requestFillerSteps(substitutions, createWatch([]));
    let count = 0;
    let step = steps.next();
    for (; step.done !== true; step = steps.next()) count++;
    // Two automata, and a state for each octet.
    expect(count).toBeGreaterThan((1.5 * 16 * 1024) / 256);
    const [even = "", odd = ""] = secrets;
    expect(step.value.path(`/${even}/x`).text).toBe("/v/x");
    expect(step.value.path(`/${odd}/x`)).toMatchObject({ text: `/${odd}/x`, count: 0 });
    expect(step.value.header("x", even)).toMatchObject({ text: even, count: 0 });
  });

  test("is made in many steps: none has more than a spelling, or some hundred octets of them", () => {
    const steps = redactorSteps(secrets);
    let count = 0;
    while (steps.next().done !== true) count++;
    // Some 13 octets of forms for each, gone through three times.
    expect(count).toBeGreaterThan((16 * 1024 * 30) / 256);
  });
});
