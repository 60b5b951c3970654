/**
 * mitmproxy, the program in which the original has its vault, beside ours: as a proxy that clients know of,
 * one header set by its own option and large bodies streamed. That is kinder to it than a script in Python.
 */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { connect, createServer, type AddressInfo } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { HttpPlan } from "../load/http-plan.ts";
import { endChild } from "./http-children.ts";

/** Where `.ci/prepare bench` puts it. */
const PROGRAM = fileURLToPath(new URL("../../../.bench-tools/mitmproxy/bin/mitmdump", import.meta.url));
const START_LIMIT_MS = 60_000;

/** Its port, and a plan for clients that trust it. Undefined where it is not installed. */
export async function startMitmproxy(
  folder: string,
  plan: string,
  made: AsyncDisposableStack,
): Promise<{ readonly proxy: number; readonly plan: string } | undefined> {
  if (!existsSync(PROGRAM)) return undefined;
  const own = join(folder, "mitmproxy");
  await mkdir(own, { recursive: true });
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the bench writes it
  const { ca, certificate } = JSON.parse(await readFile(plan, "utf8")) as HttpPlan;
  await writeFile(join(own, "origin-ca.pem"), ca);
  const proxy = await freePort();
  const settings = [
    `confdir=${own}`,
    `ssl_verify_upstream_trusted_ca=${join(own, "origin-ca.pem")}`,
    "modify_headers=/~q/Authorization/Bearer s3cr3t",
    "stream_large_bodies=1m",
  ];
  const place = [
    "--quiet",
    "--mode",
    "regular",
    "--listen-host",
    "127.0.0.1",
    "--listen-port",
    String(proxy),
  ];
  const argv = [...place, ...settings.flatMap((setting) => ["--set", setting])];
  // It complains of each stream that a client has left.
  const child = spawn(PROGRAM, argv, { stdio: "ignore" });
  made.defer(() => endChild(child));
  await untilListening(proxy);
  const trusting: HttpPlan = { ca: await readFile(join(own, "mitmproxy-ca-cert.pem"), "utf8"), certificate };
  await writeFile(join(own, "plan"), JSON.stringify(trusting));
  return { proxy, plan: join(own, "plan") };
}

/** Nobody else listens on it, a moment later at least. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- it listens on a port
  const { port } = server.address() as AddressInfo;
  await new Promise((done) => server.close(done));
  return port;
}

async function untilListening(port: number): Promise<void> {
  const endsAt = performance.now() + START_LIMIT_MS;
  while (!(await isListening(port))) {
    if (performance.now() > endsAt) throw new Error("mitmproxy does not listen");
    await sleep(50);
  }
}

async function isListening(port: number): Promise<boolean> {
  const socket = connect(port, "127.0.0.1");
  const { promise, resolve } = Promise.withResolvers<boolean>();
  socket.on("connect", () => resolve(true));
  socket.on("error", () => resolve(false));
  return promise.finally(() => socket.destroy());
}
