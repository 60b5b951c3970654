/**
 * How a server answers a hello, judged by the kernel: what it verifies by itself, and what it leaves to the
 * reader. While the reader stands still, what is left to it waits.
 */
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { execIn } from "../../src/netns/namespace.ts";
import { NAMES } from "../netfilter/name-marks.ts";
import { createRulesetLab, type RulesetLab } from "../netfilter/ruleset-lab.ts";
import { FAMILIES } from "../support/families.ts";
import { type JsonServer, startJsonServer } from "../support/json-server.ts";
import { compiledPolicy } from "../support/policy.ts";
import { skipBecause } from "../support/skip.ts";
import { type Connection, openConnection, type Speaker } from "../support/speaker.ts";
import { until } from "../support/until.ts";
import { workloadArgv } from "../support/workload.ts";
import { helloFor, RETRY, serverHello } from "../wire-names/make-hello.ts";

const file = (name: string): string => fileURLToPath(new URL(`../netfilter/${name}`, import.meta.url));
const [GOOD, EVIL] = ["one.example.org", "two.example.org"];
const [GENERATION, PORT] = [7, 9443];
const HELLO = helloFor(GOOD);
const ANSWER = serverHello();
/** A record of early data. */
const EARLY = Buffer.from("\x17\x03\x03\x00\x0aearly data", "latin1");
const SET_SIZE = 8192;
/** With a session id that looks like the beginning of a ServerHello. */
const RETRY_THAT_REPEATS = Buffer.concat([
  Buffer.of(22, 3, 3, 0, 74, 2, 0, 0, 70),
  RETRY.subarray(9, 43),
  Buffer.of(32),
  ANSWER.subarray(0, 32),
  Buffer.of(0x13, 1, 0),
]);

let on: RulesetLab;
let reader: JsonServer;
beforeAll(async () => {
  on = await createRulesetLab();
  await load({});
  reader = await startReader();
});
afterAll(async () => {
  await reader[Symbol.asyncDispose]();
  await on[Symbol.asyncDispose]();
});
afterEach(() => reader.process.kill("SIGCONT"));

async function load({ generation = GENERATION, judgesAnswers = true }): Promise<void> {
  const learned = (address: string) => [{ address, timeoutSeconds: 3600, comment: GOOD }];
  await on.load({
    policy: compiledPolicy("deny", `allow ${GOOD}`),
    generation,
    names: { ...NAMES, judgesAnswers },
    restore: { v4: learned("198.51.100.1"), v6: learned("2001:db8:100::1") },
  });
}
async function startReader(...args: readonly string[]): Promise<JsonServer> {
  return startJsonServer(on.lab.sandbox, [
    process.execPath,
    file("name-reader-child.ts"),
    String(GENERATION),
    ...args,
  ]);
}
const pauseReader = (): void => reader.process.kill("SIGSTOP");
const resumeReader = (): void => reader.process.kill("SIGCONT");

/** Packets that wait for the reader. */
async function countWaiting(): Promise<number> {
  const { stdout } = await execIn(on.lab.sandbox, ["cat", "/proc/net/netfilter/nfnetlink_queue"]);
  const lines = stdout.split("\n").filter((line) => line !== "");
  return lines.reduce((sum, line) => sum + Number(line.trim().split(/\s+/)[2]), 0);
}

async function runNft(input: string): ReturnType<typeof execIn> {
  return execIn(on.lab.sandbox, ["nft", "-f", "-"], { input });
}

/** What nft(8) lists of the set that says what is awaited, one element each. */
async function listAwaited(): Promise<readonly string[]> {
  const { stdout } = await execIn(on.lab.sandbox, ["nft", "list", "set", "inet", "opensandbox", "awaited"]);
  return stdout.match(/0x[0-9a-f]+ \. 0x[0-9a-f]+ \. 0x[0-9a-f]+/g) ?? [];
}

const connect = async (address: string): Promise<Connection> => openConnection(on.lab, address, PORT);
const expectHeard = (speaker: Speaker, octets: Buffer): Promise<void> =>
  expect.poll(() => speaker.heard().toString("hex")).toBe(octets.toString("hex"));
/** A packet waits for the reader, as often as it was sent, and the speaker has heard no more than that. */
async function expectHeld(speaker: Speaker, heard: Buffer = Buffer.alloc(0)): Promise<void> {
  await expect.poll(countWaiting).toBeGreaterThan(0);
  expect(speaker.heard()).toEqual(heard);
}
/** Whether the connection is the kernel's alone: what the client says arrives while nobody reads. */
async function isVerified({ client, server }: Connection, said: Buffer = HELLO): Promise<boolean> {
  await until("nothing waits", async () => (await countWaiting()) === 0);
  pauseReader();
  client.send(Buffer.from("anything"));
  await expectHeard(server, Buffer.concat([said, Buffer.from("anything")]));
  const waiting = await countWaiting();
  resumeReader();
  return waiting === 0;
}
/** A connection whose hello has arrived. */
async function connectWithHello(address: string): Promise<Connection> {
  await using made = new AsyncDisposableStack();
  const connection = made.use(await connect(address));
  connection.client.send(HELLO);
  await expectHeard(connection.server, HELLO);
  made.move();
  return connection;
}
/** The reader stands still when the server answers, and then goes on. */
async function expectRead({ client, server }: Connection, answer: Buffer, before?: Buffer): Promise<void> {
  pauseReader();
  server.send(answer);
  await expectHeld(client, before);
  resumeReader();
  await expectHeard(client, Buffer.concat([before ?? Buffer.alloc(0), answer]));
}

describe.each(FAMILIES)("$name", ({ name: family, one }) => {
  beforeEach((context) => {
    if (family === "IPv6" && !on.lab.ipv6) skipBecause(context, "this machine has no IPv6");
  });

  test("a ServerHello that acknowledges just the hello verifies the connection, and nobody reads it", async () => {
    await using connection = await connectWithHello(one);
    const { client, server } = connection;
    expect(await listAwaited()).toHaveLength(1);
    pauseReader();
    server.send(ANSWER);
    await expectHeard(client, ANSWER);
    expect(await isVerified(connection)).toBe(true);
  });

  test("a HelloRetryRequest is read, and so is the answer to the second hello", async () => {
    await using connection = await connectWithHello(one);
    const { client, server } = connection;
    await expectRead(connection, RETRY);
    client.send(HELLO);
    await expectHeard(server, Buffer.concat([HELLO, HELLO]));
    await expectRead(connection, ANSWER, RETRY);
    expect(await isVerified(connection, Buffer.concat([HELLO, HELLO]))).toBe(true);
  });

  test("behind a HelloRetryRequest another name is refused", async () => {
    await using connection = await connectWithHello(one);
    await expectRead(connection, RETRY);
    connection.client.send(helloFor(EVIL));
    await until("it is refused", connection.client.hasEnded);
    expect(connection.server.heard()).toEqual(HELLO);
  });

  test("openssl's client goes on where a server asks it for another hello", async () => {
    const certificate = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
    const script = `cd "$(mktemp -d)" && openssl ${certificate.join(" ")} -subj /CN=${GOOD} -keyout k -out c 2>/dev/null &&
      echo '{"event":"ready"}' && exec openssl s_server -accept 9444 -cert c -key k -groups P-384 -quiet >/dev/null 2>&1`;
    await using server = await startJsonServer(on.lab.internet, ["sh", "-c", script]);
    expect(server.process.hasEnded()).toBe(false);
    const host = one.includes(":") ? `[${one}]` : one;
    const options = ["-tls1_3", "-groups", "X25519:P-384", "-msg", "-servername", GOOD] as const;
    const argv = workloadArgv(["openssl", "s_client", ...options, "-connect", `${host}:9444`]);
    const ask = async (): Promise<string> =>
      (await execIn(on.lab.sandbox, argv, { input: "" })).stdout.replaceAll(/\s+/g, " ");
    await expect.poll(ask).toMatch(/ClientHello.*ServerHello.*ClientHello.*ServerHello.*Finished/);
  });

  test("an answer that acknowledges more than the hello is read", async () => {
    await using connection = await connect(one);
    const { client, server } = connection;
    const said = Buffer.concat([HELLO, EARLY]);
    client.send(HELLO);
    client.send(EARLY);
    await expectHeard(server, said);
    await expectRead(connection, ANSWER);
    expect(await isVerified(connection, said)).toBe(true);
  });

  test("what looks like a ServerHello, and is not the server's first octets, is read", async () => {
    // A HelloRetryRequest repeats 32 octets of the hello's, and here they begin a segment.
    await using connection = await connectWithHello(one);
    const { client, server } = connection;
    const [first, rest] = [RETRY_THAT_REPEATS.subarray(0, 44), RETRY_THAT_REPEATS.subarray(44)];

    server.send(first);
    await expectHeard(client, first);
    await expectRead(connection, rest, first);
    client.send(helloFor(EVIL));
    await until("it is refused", client.hasEnded);
    expect(server.heard()).toEqual(HELLO);
  });

  test("an answer in pieces, or in records too short for a ServerHello, is read", async () => {
    const short = Buffer.concat([
      Buffer.of(22, 3, 3, 0, 1, 2),
      Buffer.of(22, 3, 3, 0, 41),
      ANSWER.subarray(6),
    ]);
    for (const pieces of [[ANSWER.subarray(0, 13), ANSWER.subarray(13)], [short]]) {
      await using connection = await connectWithHello(one);
      for (const [index, piece] of pieces.entries()) {
        const before = Buffer.concat(pieces.slice(0, index));
        await expectRead(connection, piece, before);
      }
      expect(await isVerified(connection)).toBe(true);
    }
  });

  test("an answer to what another generation has judged is read", async () => {
    await using connection = await connectWithHello(one);
    const { client, server } = connection;
    pauseReader();
    await load({ generation: GENERATION + 1 });
    server.send(ANSWER);
    await expectHeld(client);
    await load({});
    resumeReader();
    await expectHeard(client, ANSWER);
    expect(await isVerified(connection)).toBe(true);
  });

  test("where the set is full, answers are read", async () => {
    const elements = Array.from({ length: SET_SIZE }, (_, index) => `${index} . 0 . 0 timeout 1h`).join(", ");
    const fill = `add element inet opensandbox awaited { ${elements} }`;
    await until("there is room again", async () => (await runNft(fill)).exitCode === 0);
    await using connection = await connectWithHello(one);
    expect(await listAwaited()).toHaveLength(SET_SIZE);
    await expectRead(connection, ANSWER);
    expect(await isVerified(connection)).toBe(true);
    await runNft("flush set inet opensandbox awaited");
  });

  test("a socket's own priority is not taken for the reader's word", async () => {
    await using connection = await connect(one);
    const { client, server } = connection;
    await until("others are forgotten", async () => (await listAwaited()).length === 0);
    client.tell({ priority: 5 });
    client.send(HELLO.subarray(0, 40));
    await expectHeard(server, HELLO.subarray(0, 40));
    client.send(HELLO.subarray(40));
    await expectHeard(server, HELLO);
    const awaited = await listAwaited();
    expect(awaited).toHaveLength(1);
    client.tell({ priority: 6 });
    client.send(EARLY);
    await expectHeard(server, Buffer.concat([HELLO, EARLY]));
    expect(await listAwaited()).toEqual(awaited);
    expect(awaited[0]).not.toMatch(/0x0*[56](000000)?$/);
  });

  test("connections that follow one another on the same ports are each judged", async () => {
    await using connection = await connect(one);
    const { client, server } = connection;
    for (let index = 1; index <= 5; index++) {
      client.send(HELLO);
      await expectHeard(server, HELLO);
      server.send(ANSWER);
      await expectHeard(client, ANSWER);
      client.tell({ again: true });
      await until(
        "it is connected again",
        () => client.count("connected") + server.count("connected") === 2 * index + 2,
      );
    }
    client.send(helloFor(EVIL));
    await until("it is refused", client.hasEnded);
    expect(server.heard()).toEqual(Buffer.alloc(0));
  });

  test("a kernel that takes no priorities leaves all answers to the reader", async () => {
    await reader[Symbol.asyncDispose]();
    await load({ judgesAnswers: false });
    reader = await startReader("alone");
    {
      await using connection = await connectWithHello(one);
      await expectRead(connection, ANSWER);
      expect(await isVerified(connection)).toBe(true);
    }
    resumeReader();
    await reader[Symbol.asyncDispose]();
    await load({});
    reader = await startReader();
  });
});
