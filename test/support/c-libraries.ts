/**
 * Resolvers of others' making as programs: getaddrinfo of glibc (without EDNS, as it is by default) and of
 * musl, and busybox's nslookup.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Argv, CommandResult } from "../../src/netns/command.ts";
import { execIn, HERE } from "../../src/netns/namespace.ts";

const SOURCE = fileURLToPath(new URL("clients/getaddrinfo.c", import.meta.url));

export interface Found {
  readonly addresses: readonly string[];
  readonly ms: number;
}

/** Runs a command line where the client is to ask from. */
type Run = (argv: Argv) => Promise<CommandResult>;

export interface ResolverClients extends AsyncDisposable {
  readonly glibc: (run: Run, name: string) => Promise<Found>;
  readonly musl: (run: Run, name: string) => Promise<Found>;
  readonly busybox: (run: Run, name: string) => Promise<Found>;
}

/** Compiles them; throws with the compiler's words. */
export async function buildResolverClients(): Promise<ResolverClients> {
  const folder = await mkdtemp(join(tmpdir(), "egress-clients-"));
  const glibc = join(folder, "glibc");
  const musl = join(folder, "musl");
  for (const argv of [
    ["gcc", "-o", glibc, SOURCE],
    ["musl-gcc", "-static", "-o", musl, SOURCE],
  ] as const) {
    const { exitCode, stderr } = await execIn(HERE, argv);
    if (exitCode !== 0) throw new Error(`${argv[0]}: ${stderr}`);
  }
  return {
    glibc: async (run, name) => readLine(await run([glibc, name])),
    musl: async (run, name) => readLine(await run([musl, name])),
    busybox: async (run, name) => readNslookup(await run(["busybox", "nslookup", "-type=a", name])),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}

function readLine({ stdout }: CommandResult): Found {
  const [, , ms = "", ...addresses] = stdout.trim().split(" ");
  return { addresses, ms: Number(ms) };
}

/** The server's own address stands before the first `Name:`. */
function readNslookup({ stdout }: CommandResult): Found {
  const nameAt = stdout.indexOf("\nName:");
  const answer = nameAt < 0 ? "" : stdout.slice(nameAt);
  const addresses = [...answer.matchAll(/^Address(?: \d+)?: (\S+)/gm)].map(([, address = ""]) => address);
  return { addresses, ms: Number.NaN };
}
