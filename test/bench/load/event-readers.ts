/**
 * Reads `GET /events` of a sidecar over so many connections until its input ends, and prints how many
 * decisions and gaps each has seen.
 *
 *     node test/bench/load/event-readers.ts '{"socketPath":"/run/egress.sock","token":"secret","readers":32}'
 */
import { request } from "node:http";
import { READING, type ReadersReport, readersTask } from "./readers-protocol.ts";

const { socketPath, token, readers } = readersTask.parse(JSON.parse(process.argv[2] ?? ""));

interface Reader {
  decisions: number;
  missed: number;
}

function read(): Promise<Reader> {
  const reader: Reader = { decisions: 0, missed: 0 };
  const { promise, resolve, reject } = Promise.withResolvers<Reader>();
  const options = {
    socketPath,
    path: "/events",
    headers: { "OPENSANDBOX-EGRESS-AUTH": token },
    agent: false,
  };
  const outgoing = request(options, (answer) => {
    let rest = "";
    answer.setEncoding("latin1");
    answer.on("data", (text: string) => {
      const events = (rest + text).split("\n\n");
      rest = events.pop() ?? "";
      for (const event of events) {
        if (event.startsWith("id: ")) reader.decisions += 1;
        const [, missed] = /"missed":(\d+)/.exec(event) ?? [];
        reader.missed += Number(missed ?? 0);
      }
    });
    answer.on("error", reject);
    answer.on("close", () => reject(new Error("a reader was dropped")));
    resolve(reader);
  });
  outgoing.on("error", reject);
  outgoing.end();
  return promise;
}

const all = await Promise.all(Array.from({ length: readers }, read));
process.stdout.write(READING);
process.stdin.once("end", () => {
  process.stdout.write(`${JSON.stringify({ readers: all } satisfies ReadersReport)}\n`);
  process.exit(0);
});
process.stdin.resume();
