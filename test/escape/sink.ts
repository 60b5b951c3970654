/**
 * Row 33: a far end that says all that it is sent, and ways to put other octets in the place of judged ones.
 */
import { fileURLToPath } from "node:url";
import { execIn, type NetworkNamespace } from "../../src/netns/namespace.ts";
import { type JsonServer, startJsonServer } from "../support/json-server.ts";
import { until } from "../support/until.ts";

const SINK = fileURLToPath(new URL("../netfilter/sink-child.ts", import.meta.url));
export const SINK_PORT = 9443;

/** What `attacks/shown_names.py insert` knows. */
export const INSERTIONS = [
  "signature",
  "raw",
  "second segment first",
  "overlap",
  "low hop limit",
  "bad checksum",
  "stale timestamp",
];

export interface Sink extends Pick<JsonServer, "lines">, AsyncDisposable {
  /** The texts that it was sent while it ran, one for each connection. */
  receivedDuring(run: () => Promise<unknown>): Promise<readonly string[]>;
}

export async function startSink(namespace: NetworkNamespace): Promise<Sink> {
  const server = await startJsonServer(namespace, [process.execPath, SINK, `${SINK_PORT}`]);
  const { lines } = server;
  let marks = 0;
  return {
    lines,
    async receivedDuring(run) {
      const from = lines.length;
      await run();
      // A text that nobody else sends: what was sent before is ahead of it.
      const mark = `mark ${(marks += 1)}`;
      await execIn(namespace, ["bash", "-c", `printf %s "${mark}" > /dev/tcp/127.0.0.1/${SINK_PORT}`]);
      const end = await until("the mark is seen", () => lines.findIndex(({ text }) => text === mark) + 1);
      return lines.slice(from, end - 1).map(({ text }) => String(text));
    },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}
