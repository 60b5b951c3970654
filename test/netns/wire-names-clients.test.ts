/**
 * Clients that others wrote, where connections are judged by the name they show: HTTP/2, a hello that is
 * asked for again, WebSocket.
 */
import { execFile } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { Argv, CommandResult } from "../../src/netns/command.ts";
import { FAMILIES, skipWithoutFamily } from "../support/families.ts";
import { type JsonServer, startJsonServer } from "../support/json-server.ts";
import { useLab } from "../support/use-lab.ts";

const CHILD = fileURLToPath(new URL("../netfilter/any-clients-child.ts", import.meta.url));
const SHARED = { addresses: ["198.51.100.50", "2001:db8:100::50"] };
const [GOOD, EVIL] = ["good.shared.example.org", "evil.shared.example.org"];

const lab = useLab({ zone: { [GOOD]: SHARED, [EVIL]: SHARED }, upstream: { ttlSeconds: 300 } });
let sites: JsonServer;
beforeAll(async () => {
  const [key, cert] = [join(lab.stateFolder, "key"), join(lab.stateFolder, "cert")];
  const made = [
    "req",
    "-x509",
    "-newkey",
    "ec",
    "-pkeyopt",
    "ec_paramgen_curve:P-256",
    "-nodes",
    "-subj",
    "/CN=x",
  ];
  await promisify(execFile)("openssl", [...made, "-keyout", key, "-out", cert]);
  sites = await startJsonServer(lab.internet, [process.execPath, CHILD, key, cert]);
  const policy = { egress: [{ action: "allow", target: GOOD }] };
  await lab.startSidecar({ policy, env: { OPENSANDBOX_EGRESS_WIRE_NAMES: "strict" } });
});
afterAll(() => sites[Symbol.asyncDispose]());

const NODE_CALL = `
const { request } = require("node:https");
const [host, servername] = process.argv.slice(1);
request({ host, servername, port: 9445, rejectUnauthorized: false, headers: { host: servername } }, (answer) => answer.pipe(process.stdout))
  .on("error", ({ code }) => console.log(code)).end();`;
const NODE_WEBSOCKET = `
const socket = new WebSocket(process.argv[1]);
let left = 3;
socket.onopen = () => socket.send("hello");
socket.onmessage = ({ data }) => { console.log(data); if (--left > 0) socket.send("hello"); else process.exit(); };
socket.onerror = () => { console.log("refused"); process.exit(); };`;
const PYTHON_CALL = `
import socket, ssl, sys
context = ssl.create_default_context()
context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
try:
    with context.wrap_socket(socket.create_connection((sys.argv[1], 9445)), server_hostname=sys.argv[2]) as tls:
        tls.sendall(b"GET / HTTP/1.1\\r\\nHost: " + sys.argv[2].encode() + b"\\r\\nConnection: close\\r\\n\\r\\n")
        print(b"HTTP/1.1 200" in tls.recv(4096))
except OSError:
    print("refused")`;

/** What it prints, as the workload. */
const run = async (argv: Argv): Promise<string> => (await lab.asWorkload(argv)).stdout;

describe.each(FAMILIES)("$name", (family) => {
  beforeEach(async (context) => {
    skipWithoutFamily(context, lab, family);
    await lab.dig(GOOD, family.qtype);
  });
  const [v4 = "", v6 = ""] = SHARED.addresses;
  const shared = family.name === "IPv4" ? v4 : v6;
  const bracketed = shared.includes(":") ? `[${shared}]` : shared;

  function curl(name: string, version: string): Promise<CommandResult> {
    const place = ["--resolve", `${name}:9445:${bracketed}`];
    return lab.asWorkload(["curl", "-sk", version, ...place, `https://${name}:9445/`]);
  }

  test("curl speaks HTTP/2 and HTTP/1.1, after a hello that it was asked for again", async () => {
    expect(await curl(GOOD, "--http2")).toMatchObject({ stdout: "HTTP/2.0" });
    expect(await curl(GOOD, "--http1.1")).toMatchObject({ stdout: "HTTP/1.1" });
    expect((await curl(EVIL, "--http2")).stdout).toBe("");
  });

  test("Node, whose hello has a post-quantum key share, is reached and refused by the name", async () => {
    expect(await run([process.execPath, "-e", NODE_CALL, shared, GOOD])).toBe("HTTP/1.1");
    expect(await run([process.execPath, "-e", NODE_CALL, shared, EVIL])).toMatch(/^ECONN(RESET|ABORTED)/);
  });

  test("Python's TLS is, too", async () => {
    expect(await run(["python3", "-c", PYTHON_CALL, shared, GOOD])).toBe("True\n");
    expect(await run(["python3", "-c", PYTHON_CALL, shared, EVIL])).toBe("refused\n");
  });

  test("a WebSocket goes on once the server has agreed, and not to another host", async () => {
    expect(await run([process.execPath, "-e", NODE_WEBSOCKET, `ws://${GOOD}:9081/`])).toBe(
      "hello\n".repeat(3),
    );
    expect(await run([process.execPath, "-e", NODE_WEBSOCKET, `ws://${bracketed}:9081/`])).toBe("refused\n");
  });
});
