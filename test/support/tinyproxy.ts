/** tinyproxy, a proxy that others wrote, in a namespace of the lab. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { execIn, type NetworkNamespace, spawnIn } from "../../src/netns/namespace.ts";
import { until } from "./until.ts";

export interface TinyproxyOptions {
  readonly port: number;
  /** `user password`, which it then wants. */
  readonly credentials?: string;
}

export interface Tinyproxy extends AsyncDisposable {
  /** What it was asked to connect to, as `host:port`, oldest first. */
  asked(): readonly string[];
}

export async function startTinyproxy(
  namespace: NetworkNamespace,
  { port, credentials }: TinyproxyOptions,
): Promise<Tinyproxy> {
  const folder = await mkdtemp(join(tmpdir(), "egress-tinyproxy-"));
  const config = join(folder, "tinyproxy.conf");
  const wanted = credentials === undefined ? [] : [`BasicAuth ${credentials}`];
  const settings = [`Port ${port}`, "Timeout 600", "MaxClients 300", "LogLevel Connect", ...wanted];
  await writeFile(config, `${settings.join("\n")}\n`);
  const child = spawnIn(namespace, ["tinyproxy", "-d", "-c", config]);
  const lines: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on("line", (line) => lines.push(line));
  }
  const proxy: Tinyproxy = {
    asked: () => lines.flatMap((line) => /: CONNECT (\S+) HTTP\//.exec(line)?.[1] ?? []),
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await child.end;
      await rm(folder, { recursive: true, force: true });
    },
  };
  try {
    await until("tinyproxy listens", async () => {
      if (child.hasEnded()) throw new Error(`tinyproxy ended: ${lines.join("\n")}`);
      return listensOn(namespace, port);
    });
    return proxy;
  } catch (error) {
    await proxy[Symbol.asyncDispose]();
    throw error;
  }
}

async function listensOn(namespace: NetworkNamespace, port: number): Promise<boolean> {
  const { stdout } = await execIn(namespace, ["ss", "-Hltn", `sport = :${port}`]);
  return stdout !== "";
}
