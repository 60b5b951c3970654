/**
 * What TLS clients of others' making think of the certificates: each connects to a server on loopback and
 * trusts the bundle alone.
 */
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect, createSecureContext, createServer, type SecureContext } from "node:tls";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test, type TestContext } from "vitest";
import { createAuthority } from "../../src/certificates/authority.ts";
import {
  createKeys,
  encodeIntermediate,
  encodeLeaf,
  encodeRoot,
} from "../../src/certificates/certificate.ts";
import { encodeJavaStore } from "../../src/certificates/java-store.ts";
import type { Argv } from "../../src/netns/command.ts";
import { execIn, HERE } from "../../src/netns/namespace.ts";
import { BUILD_MS, WAIT_MS } from "../support/limits.ts";
import { skipBecause } from "../support/skip.ts";

const BOUND = "api.example.org";
/** Bound later, so that a second root covers it. */
const LATER = "files.example.net";
/** Bound by `*.example.com`. */
const BELOW = "eu.files.example.com";
const UNBOUND = "www.example.edu";
const ADDRESS = "127.0.0.1";

const clientFile = (name: string): string => fileURLToPath(new URL(`clients/${name}`, import.meta.url));

interface Asked {
  readonly bundle: string;
  readonly port: number;
  readonly name: string;
}

/** Gives a line that begins with `trusted` or `refused`. */
type Client = (asked: Asked) => Promise<string>;

function program(argv: (asked: Asked) => Argv): Client {
  return async (asked) => {
    const { stdout, stderr } = await execIn(HERE, argv(asked), { timeoutMs: WAIT_MS });
    return stdout.trim() || stderr;
  };
}

/** Of a program that says by its exit code whether it trusts. */
function byExitCode(argv: (asked: Asked) => Argv): Client {
  return async (asked) => {
    const { exitCode, stderr } = await execIn(HERE, argv(asked), { timeoutMs: WAIT_MS });
    return exitCode === 0 ? "trusted" : `refused: ${stderr}`;
  };
}

const CLIENTS: Readonly<Record<string, Client>> = {
  openssl: byExitCode(({ bundle, port, name }) => [
    "openssl",
    ...`s_client -brief -no-CApath -verify_return_error -x509_strict -CAfile ${bundle}`.split(" "),
    ...`-verify_hostname ${name} -servername ${name} -connect 127.0.0.1:${port}`.split(" "),
  ]),
  curl: byExitCode(({ bundle, port, name }) => [
    "curl",
    ...`--silent --show-error --capath /nonexistent --noproxy * --cacert ${bundle}`.split(" "),
    ...`--resolve ${name}:${port}:127.0.0.1 https://${name}:${port}/`.split(" "),
  ]),
  python3: program(({ bundle, port, name }) => [
    "python3",
    clientFile("verify.py"),
    bundle,
    String(port),
    name,
  ]),
  go: program(({ bundle, port, name }) => [goClient, bundle, String(port), name]),
  java: program(({ bundle, port, name }) => [...java(), bundle, String(port), name]),
  "java, by its trust store": javaByStore,
  node: trustOfNode,
};

async function javaByStore({ bundle, port, name }: Asked): Promise<string> {
  const store = join(folder, "roots.p12");
  await writeFile(store, encodeJavaStore(await readFile(bundle, "utf8")));
  const trust = [`-Djavax.net.ssl.trustStore=${store}`, "-Djavax.net.ssl.trustStoreType=PKCS12"];
  const argv: Argv = [...java(...trust), "-", String(port), name];
  const { stdout, stderr } = await execIn(HERE, argv, { timeoutMs: WAIT_MS });
  return stdout.trim() || stderr;
}

/** The class that is compiled once: to start from the source compiles it each time. */
function java(...options: readonly string[]): Argv {
  // Without the optimizing compiler: so short a run is over before it pays.
  return ["java", "-XX:TieredStopAtLevel=1", ...options, "-cp", folder, "Verify"];
}

async function trustOfNode({ bundle, port, name }: Asked): Promise<string> {
  const ca = await readFile(bundle);
  const socket = connect({ port, host: ADDRESS, servername: name, ca });
  try {
    await once(socket, "secureConnect");
    return "trusted";
  } catch (error) {
    return `refused: ${String(error)}`;
  } finally {
    socket.destroy();
  }
}

let folder = "";
let goClient = "";

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "egress-certificates-"));
  goClient = join(folder, "verify");
  if (await isThere("go"))
    await build(["env", "CGO_ENABLED=0", "go", "build", "-o", goClient, clientFile("verify.go")]);
  if (await isThere("javac")) await build(["javac", "-d", folder, clientFile("Verify.java")]);
}, BUILD_MS);
afterAll(() => rm(folder, { recursive: true, force: true }));

async function build(argv: Argv): Promise<void> {
  const { exitCode, stderr } = await execIn(HERE, argv, { timeoutMs: BUILD_MS });
  if (exitCode !== 0) throw new Error(stderr);
}

async function isThere(name: string): Promise<boolean> {
  return (await execIn(HERE, ["which", name])).exitCode === 0;
}

async function needs(tool: string, context: TestContext): Promise<void> {
  const [first = ""] = tool.split(",");
  const file = first === "java" ? "javac" : first;
  if (!(await isThere(file))) skipBecause(context, `${file} is not on this machine`);
}

/** What the client says of a server that has this certificate. */
async function judge(
  client: Client,
  name: string,
  given: { bundle: string; context: SecureContext },
): Promise<string> {
  const bundle = join(folder, "bundle.pem");
  await writeFile(bundle, given.bundle);
  const server = createServer({ SNICallback: (_name, done) => done(null, given.context) }, (socket) => {
    socket.on("error", () => undefined); // the client has seen enough
    socket.end("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
  });
  server.on("tlsClientError", () => undefined); // it refused, and says so itself
  server.listen(0, ADDRESS);
  await once(server, "listening");
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a listening TCP server's
  const { port } = server.address() as AddressInfo;
  try {
    return await client({ bundle, port, name });
  } finally {
    server.close();
  }
}

/**
 * A leaf for whatever name, by an intermediate that is constrained to one, as if our own check of the name
 * were not there.
 */
function signAnything(name: string): { bundle: string; context: SecureContext } {
  const validity = { notBeforeMs: Date.now() - 3_600_000, notAfterMs: Date.now() + 3_600_000 };
  const request = { ...validity, permitted: [BOUND], serial: Buffer.of(1) };
  const root = { commonName: "constrained root", keys: createKeys() };
  const issuer = { commonName: "constrained intermediate", keys: createKeys() };
  const keys = createKeys();
  const leaf = encodeLeaf({ ...validity, keys, name, serial: Buffer.of(2) }, issuer);
  const cert = leaf + encodeIntermediate({ ...request, ...issuer }, root);
  const key = keys.privateKey.export({ type: "pkcs8", format: "pem" });
  return { bundle: encodeRoot({ ...request, ...root }), context: createSecureContext({ key, cert }) };
}

describe.each(Object.entries(CLIENTS))("%s", (tool, client) => {
  test.for([BOUND, LATER, BELOW])("trusts the leaf of %s", async (name, context) => {
    await needs(tool, context);
    const authority = createAuthority(Date.now);
    authority.cover([BOUND, "*.example.com"]);
    authority.cover([BOUND, "*.example.com", LATER]);
    const leaf = authority.leafFor(name);
    if (leaf === undefined) throw new Error("no leaf");
    expect(await judge(client, name, { bundle: authority.bundle(), context: leaf.context })).toBe("trusted");
  });

  test("refuses a leaf for a name outside of the constraints, and trusts one for the name inside", async (context) => {
    await needs(tool, context);
    expect(await judge(client, BOUND, signAnything(BOUND))).toBe("trusted");
    expect(await judge(client, UNBOUND, signAnything(UNBOUND))).toMatch(
      /^refused: .*(?:permitted subtree|not permitted|name constraints|PERMITTED_VIOLATION)/is,
    );
  });
});
