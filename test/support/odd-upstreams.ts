/**
 * Resolvers of our own making, each of which does what a label of the name says; see
 * `servers/odd_upstream.py`.
 */
import { fileURLToPath } from "node:url";
import { z } from "zod";
import type { NetworkNamespace } from "../../src/netns/namespace.ts";
import { startJsonServer } from "./json-server.ts";

const SERVER = fileURLToPath(new URL("servers/odd_upstream.py", import.meta.url));

export interface OddUpstream {
  /** What labels call it by: `a` is server 1, whose addresses are 198.51.100.1. */
  readonly letter: string;
  readonly address: string;
  readonly port?: number;
  /** How it answers what comes by one TCP connection; all at once unless told. */
  readonly mode?: "sequential" | "once";
}

const queryShape = z.object({
  event: z.literal("query"),
  server: z.string(),
  qname: z.string(),
  tcp: z.boolean(),
  mixed: z.boolean(),
  edns: z.boolean(),
});
type OddQuery = z.infer<typeof queryShape>;

export interface OddUpstreams extends AsyncDisposable {
  /** What they were asked, oldest first; of names that end so. */
  queries(suffix?: string): readonly OddQuery[];
}

export async function startOddUpstreams(
  namespace: NetworkNamespace,
  upstreams: readonly OddUpstream[],
): Promise<OddUpstreams> {
  const server = await startJsonServer(namespace, ["python3", SERVER, JSON.stringify(upstreams)]);
  return {
    queries: (suffix = "") =>
      server.lines.flatMap((line) => {
        const query = queryShape.safeParse(line);
        return query.success && query.data.qname.endsWith(suffix) ? [query.data] : [];
      }),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}
