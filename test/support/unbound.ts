/** unbound, as a second upstream of another make: answers from the local data given, forwards nothing. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { type NetworkNamespace, spawnIn } from "../../src/netns/namespace.ts";
import { until } from "./until.ts";

export interface UnboundOptions {
  readonly address: string;
  /** Lines of the `server:` clause, such as `local-data: "one.example.org. 60 IN A 198.51.100.1"`. */
  readonly lines: readonly string[];
}

export interface Unbound extends AsyncDisposable {
  /** What was asked, oldest first, in lower case. */
  qnames(): readonly string[];
}

export async function startUnbound(namespace: NetworkNamespace, options: UnboundOptions): Promise<Unbound> {
  const folder = await mkdtemp(join(tmpdir(), "egress-unbound-"));
  const config = join(folder, "unbound.conf");
  await writeFile(config, renderConfig(options));
  const child = spawnIn(namespace, ["unbound", "-d", "-c", config]);
  const lines: string[] = [];
  createInterface({ input: child.stderr }).on("line", (line) => lines.push(line));
  child.stdout.resume();
  const unbound: Unbound = {
    qnames: () => lines.flatMap(parseQname),
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await child.end;
      await rm(folder, { recursive: true, force: true });
    },
  };
  try {
    await until("unbound is ready", () => {
      if (child.hasEnded()) throw new Error(`unbound ended: ${lines.join("\n")}`);
      return lines.some((line) => line.includes("start of service"));
    });
    return unbound;
  } catch (error) {
    await unbound[Symbol.asyncDispose]();
    throw error;
  }
}

function renderConfig({ address, lines }: UnboundOptions): string {
  return `server:
  username: ""
  chroot: ""
  directory: ""
  pidfile: ""
  use-syslog: no
  logfile: ""
  log-queries: yes
  verbosity: 1
  do-daemonize: no
  num-threads: 1
  module-config: "iterator"
  interface: ${address}
  ip-freebind: yes
  access-control: 0.0.0.0/0 allow
  access-control: ::0/0 allow
${lines.map((line) => `  ${line}`).join("\n")}
remote-control:
  control-enable: no
`;
}

/** As in `info: 192.0.2.2 one.example.org. A IN`. */
function parseQname(line: string): readonly string[] {
  const qname = /info: \S+ (?<qname>\S+)\. [A-Z0-9]+ IN$/.exec(line.trim())?.groups?.["qname"];
  return qname === undefined ? [] : [qname.toLowerCase()];
}
