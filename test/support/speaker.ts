/** Both ends of a TCP connection, which say what a test tells them to. See `test/netfilter/speaker.py`. */
import { fileURLToPath } from "node:url";
import { type JsonServer, startJsonServer } from "./json-server.ts";
import type { Lab } from "./lab.ts";
import { until } from "./until.ts";
import { workloadArgv } from "./workload.ts";

const SPEAKER = ["python3", fileURLToPath(new URL("../netfilter/speaker.py", import.meta.url))] as const;

/** One end of a connection. */
export interface Speaker {
  tell(order: object): void;
  send(octets: Buffer): void;
  /** All that has come over the newest connection. */
  heard(): Buffer;
  hasEnded(): boolean;
  count(event: string): number;
}

function toSpeaker({ process: { stdin }, lines }: JsonServer): Speaker {
  const tell = (order: object): void => void stdin.write(`${JSON.stringify(order)}\n`);
  const sinceNewest = (): JsonServer["lines"] =>
    lines.slice(lines.findLastIndex(({ event }) => event === "connected") + 1);
  return {
    tell,
    send: (octets) => tell({ send: octets.toString("hex") }),
    heard: () =>
      Buffer.concat(
        sinceNewest().map(({ octets }) => Buffer.from(typeof octets === "string" ? octets : "", "hex")),
      ),
    hasEnded: () => sinceNewest().some(({ event }) => event === "ended"),
    count: (wanted) => lines.filter(({ event }) => event === wanted).length,
  };
}

export interface Connection extends AsyncDisposable {
  readonly client: Speaker;
  readonly server: Speaker;
}

/** One that the workload opens, to a listener of its own on the internet's side. */
export async function openConnection(
  { internet, sandbox }: Pick<Lab, "internet" | "sandbox">,
  address: string,
  port: number,
): Promise<Connection> {
  await using made = new AsyncDisposableStack();
  const listening = [...SPEAKER, "listen", String(port)] as const;
  const server = toSpeaker(made.use(await startJsonServer(internet, listening)));
  const connecting = workloadArgv([...SPEAKER, "connect", address, String(port)]);
  const client = toSpeaker(made.use(await startJsonServer(sandbox, connecting)));
  await until("both are connected", () => client.count("connected") + server.count("connected") === 2);
  const all = made.move();
  return { client, server, [Symbol.asyncDispose]: () => all.disposeAsync() };
}
