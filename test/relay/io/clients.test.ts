import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createSecureServer, type Http2ServerRequest, type Http2ServerResponse } from "node:http2";
import { createServer } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { CA, CERTIFICATE, defer, listen, NAME, SECRET, startRelay } from "./world.ts";

const run = promisify(execFile);
const MIB = 1 << 20;

/**
 * An origin that speaks both: tells the digest of what it was sent, or sends as many octets as the path says.
 */
async function meet(originSpeaks: "both" | "http/1.1" = "both") {
  const server =
    originSpeaks === "both"
      ? createSecureServer({ ...CERTIFICATE, allowHTTP1: true }, answer)
      : createServer({ ...CERTIFICATE, ALPNProtocols: ["http/1.1"] }, answer);
  const relay = await startRelay({ origin: await listen(server), protocols: ["h2", "http/1.1"] });
  const folder = mkdtempSync(join(tmpdir(), "relay-clients-"));
  defer(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, "ca.pem"), CA);
  return { relay, folder, ca: join(folder, "ca.pem") };
}

function answer(
  request: IncomingMessage | Http2ServerRequest,
  response: ServerResponse | Http2ServerResponse,
): void {
  const digest = createHash("sha256");
  request.on("data", (part: Buffer) => digest.update(part));
  request.on("end", () => {
    const octets = /^\/octets\/(?<count>\d+)$/.exec(request.url ?? "")?.groups?.["count"];
    const seen = {
      by: request.httpVersion,
      who: request.headers.authorization,
      digest: digest.digest("hex"),
    };
    response.end(octets === undefined ? JSON.stringify(seen) : Buffer.alloc(Number(octets), "x"));
  });
}

function digestOf(octets: Buffer): string {
  return createHash("sha256").update(octets).digest("hex");
}

describe.each([
  ["--http1.1", "both", "1.1"],
  ["--http2", "both", "2.0"],
  ["--http2", "http/1.1", "1.1"],
] as const)("curl %s, an origin of %s", (flag, originSpeaks, by) => {
  async function curl(...args: readonly string[]) {
    const { relay, folder, ca } = await meet(originSpeaks);
    const through = ["--connect-to", `${NAME}:443:127.0.0.1:${relay.port}`, "--cacert", ca, flag];
    const body = Buffer.alloc(24 * MIB, "upload");
    writeFileSync(join(folder, "body"), body);
    const given = args.map((arg) => arg.replace("BODY", join(folder, "body")));
    const { stdout } = await run("curl", ["-sS", ...through, ...given], { maxBuffer: 64 * MIB });
    return { stdout, body };
  }

  test("is authorized without knowing the secret", async () => {
    const { stdout } = await curl("-H", "Authorization: placeholder", `https://${NAME}/`);
    expect(JSON.parse(stdout)).toMatchObject({ by, who: `Bearer ${SECRET}` });
  });

  test("uploads 24 MiB, of a length told and in chunks", async () => {
    const told = await curl("-T", "BODY", `https://${NAME}/`);
    expect(JSON.parse(told.stdout)).toMatchObject({ digest: digestOf(told.body) });
    const chunked = await curl("-T", "BODY", "-H", "Transfer-Encoding: chunked", `https://${NAME}/`);
    expect(JSON.parse(chunked.stdout)).toMatchObject({ digest: digestOf(chunked.body) });
  });

  test("downloads 24 MiB", async () => {
    const { stdout } = await curl(`https://${NAME}/octets/${24 * MIB}`);
    expect(stdout.length).toBe(24 * MIB);
  });

  test("is told why a path is refused", async () => {
    const { stdout } = await curl("--path-as-is", `https://${NAME}/a/../b`);
    expect(stdout).toBe("request path contains ambiguous segments\n");
  });
});

test("Node's fetch keeps its connection, and is authorized on each request", async () => {
  const { relay, ca } = await meet();
  const script = `
    import tls from "node:tls";
    const { connect } = tls;
    let dialled = 0;
    tls.connect = (options) => (dialled++, connect({ ...options, host: "127.0.0.1", port: ${relay.port} }));
    const seen = [];
    for (const body of ["one", "two"]) {
      const answer = await fetch("https://${NAME}/", { method: "POST", body, headers: { authorization: "placeholder" } });
      seen.push((await answer.json()).who);
    }
    console.log(JSON.stringify({ seen, dialled }));
    process.exit();`;
  const { stdout } = await run(process.execPath, ["--input-type=module", "-e", script], {
    env: { ...process.env, NODE_EXTRA_CA_CERTS: ca },
  });
  expect(JSON.parse(stdout)).toEqual({ seen: [`Bearer ${SECRET}`, `Bearer ${SECRET}`], dialled: 1 });
});

test("Python's http.client sends a body in chunks", async () => {
  const { relay, ca } = await meet();
  const script = `
import http.client, socket, ssl
create = socket.create_connection
socket.create_connection = lambda address, *rest, **named: create(("127.0.0.1", ${relay.port}), *rest, **named)
connection = http.client.HTTPSConnection("${NAME}", context=ssl.create_default_context(cafile="${ca}"))
connection._create_connection = socket.create_connection
connection.request("POST", "/", body=iter([b"one", b"two"]), headers={"Authorization": "placeholder"}, encode_chunked=True)
print(connection.getresponse().read().decode())`;
  const { stdout } = await run("python3", ["-c", script]);
  expect(JSON.parse(stdout)).toMatchObject({
    who: `Bearer ${SECRET}`,
    digest: digestOf(Buffer.from("onetwo")),
  });
});
