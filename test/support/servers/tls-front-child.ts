/**
 * Runs in the internet's namespace: takes TLS off, and hands what is in it to a port of this namespace, as
 * before a proxy that is spoken to over TLS. Arguments: where it listens, the other port, a file with `key`
 * and `cert`.
 */
import { readFileSync } from "node:fs";
import { connect } from "node:net";
import { pipeline } from "node:stream/promises";
import { createServer } from "node:tls";
import { z } from "zod";

const [, , from = "", to = "", file = ""] = process.argv;
const certificate = z
  .object({ key: z.string(), cert: z.string() })
  .parse(JSON.parse(readFileSync(file, "utf8")));

const server = createServer(certificate, (client) => {
  const behind = connect(Number(to), "127.0.0.1");
  const ended = Promise.all([pipeline(client, behind), pipeline(behind, client)]);
  ended.catch(() => {
    client.destroy();
    behind.destroy();
  });
});
server.on("tlsClientError", () => undefined);
server.listen(Number(from), "::", () => console.log(JSON.stringify({ event: "ready" })));
