import { execFile, execFileSync } from "node:child_process";
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { closeSync, constants, mkdtempSync, openSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterEach, expect, test } from "vitest";
import { createArena } from "../../src/sys/arena.ts";
import { tryCall } from "../../src/sys/libc.ts";
import { watchReadable, type Watch } from "../../src/sys/readiness.ts";
import { closeSocket, localPort, openSocket, SOCK_DGRAM } from "../../src/sys/socket.ts";
import { until } from "../support/until.ts";

const MSG_DONTWAIT = 0x40;
const undo: (() => void)[] = [];
afterEach(() => {
  for (const step of undo.splice(0).toReversed()) step();
});

function open(options: Parameters<typeof openSocket>[0]): number {
  const fd = openSocket(options);
  undo.push(() => closeSocket(fd));
  return fd;
}

function watch(fd: number, ready: (hasFailed: boolean) => void): Watch {
  const watched = watchReadable(fd, ready);
  undo.push(() => watched.close());
  return watched;
}

const room = createArena(64);
const read = (fd: number): number => tryCall("recv", fd, room.address(0), 64, MSG_DONTWAIT);
const send = (fd: number): number => tryCall("send", fd, room.address(0), 8, MSG_DONTWAIT);

async function startEcho(address: string, port: number): Promise<Socket> {
  const echo = createSocket(address === "::1" ? "udp6" : "udp4");
  echo.on("message", (message, from) => echo.send(message, from.port, from.address));
  echo.bind(port, address);
  await once(echo, "listening");
  return echo;
}

test.each(["127.0.0.1", "::1"])("what comes to %s after refusals by ICMP is told", async (address) => {
  const first = await startEcho(address, 0);
  const { port } = first.address();
  const closed = once(first, "close");
  first.close();
  await closed;
  let [failures, answers] = [0, 0];
  const fd = open({ type: SOCK_DGRAM, remote: { address, port } });
  watch(fd, (hasFailed) => {
    failures += Number(hasFailed);
    while (read(fd) >= 0) answers += 1;
  });
  for (const wanted of [1, 2, 3]) {
    send(fd);
    await until(`refusal ${wanted} is told`, () => failures >= wanted);
  }
  const again = await startEcho(address, port);
  undo.push(() => again.close());
  for (const wanted of [1, 2, 3]) {
    send(fd);
    await until(`answer ${wanted} is told`, () => answers >= wanted);
  }
  expect(answers).toBe(3);
});

test("an error that its owner does not read off is taken off, and told once", async () => {
  const closed = open({ type: SOCK_DGRAM, local: { address: "127.0.0.1", port: 0 } });
  const fd = open({ type: SOCK_DGRAM, remote: { address: "127.0.0.1", port: localPort(closed) } });
  closeSocket(closed);
  const told: boolean[] = [];
  const watched = watch(fd, (hasFailed) => told.push(hasFailed));
  send(fd);
  await until("the refusal is told", () => told.length > 0);
  await delay(50);
  expect(told).toEqual([true]);
  expect(watched.fault()).toBeUndefined();
});

test("an error that stays is told again and again, ever more seldom, and known", async () => {
  const { reader, writer } = openPipe();
  let calls = 0;
  const begun = performance.now();
  const watched = watch(writer, () => (calls += 1));
  expect(watched.fault()).toBeUndefined();
  closeSync(reader);
  await until("it is told again", () => calls >= 4);
  // Pauses of 10, 20 and 40 ms.
  expect(performance.now() - begun).toBeGreaterThan(60);
  expect(watched.fault()?.reason).toBe("an error stays on its descriptor");
});

test("a descriptor that is closed under its watch is known", () => {
  const fd = openSocket({ type: SOCK_DGRAM, local: { address: "127.0.0.1", port: 0 } });
  const watched = watch(fd, () => undefined);
  expect(watched.fault()).toBeUndefined();
  closeSocket(fd);
  expect(watched.fault()?.reason).toBe("its descriptor is closed");
});

test("a watch that tells nothing of what lies there is known at the second look, and begins anew", async () => {
  const fd = openSocket({ type: SOCK_DGRAM, local: { address: "127.0.0.1", port: 0 } });
  let calls = 0;
  const watched = watch(fd, () => {
    calls += 1;
    read(fd);
  });
  await delay(10);
  // The kernel's list of what is watched loses the descriptor when its number passes to another socket; libuv
  // does not hear of it.
  closeSocket(fd);
  const other = open({ type: SOCK_DGRAM, local: { address: "127.0.0.1", port: 0 } });
  expect(other).toBe(fd);
  send(open({ type: SOCK_DGRAM, remote: { address: "127.0.0.1", port: localPort(other) } }));
  await delay(10);
  expect(calls).toBe(0);
  expect(watched.fault()).toBeUndefined();
  await delay(10);
  expect(watched.fault()?.reason).toBe("nothing was told of what had come to its descriptor");
  await until("it is told", () => calls === 1);
  expect(watched.fault()).toBeUndefined();
});

test("an error that a call throws ends the process", async () => {
  const end = await runChild("throwing-child.ts");
  expect(end.stderr).toContain("thrown in a call");
  expect(end.code).toBe(1);
});

test("what awaits a call, or a connection, goes on before the next timer", async () => {
  expect(await runChild("awaiting-child.ts")).toEqual({
    code: 0,
    stdout: "a datagram: before the timer\na connection: before the timer\na refusal: before the timer\n",
    stderr: "",
  });
});

/** A process in which nothing else wakes Node. */
function runChild(name: string): Promise<{ code: unknown; stdout: string; stderr: string }> {
  const path = fileURLToPath(new URL(name, import.meta.url));
  return new Promise((resolve) => {
    execFile(process.execPath, [path], { timeout: 20_000 }, (error, stdout, stderr) =>
      resolve({ code: error?.code ?? 0, stdout, stderr }),
    );
  });
}

/** The writer of a pipe keeps its error once nobody reads any more. */
function openPipe(): { readonly reader: number; readonly writer: number } {
  const folder = mkdtempSync(join(tmpdir(), "egress-pipe-"));
  undo.push(() => rmSync(folder, { recursive: true }));
  execFileSync("mkfifo", [join(folder, "pipe")]);
  const reader = openSync(join(folder, "pipe"), constants.O_RDONLY | constants.O_NONBLOCK);
  const writer = openSync(join(folder, "pipe"), constants.O_WRONLY | constants.O_NONBLOCK);
  undo.push(() => closeSync(writer));
  return { reader, writer };
}
