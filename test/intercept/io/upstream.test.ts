import { connect, createServer as createTcpServer, type Server, type Socket } from "node:net";
import { createSecureContext, createServer, type TlsOptions, type TLSSocket } from "node:tls";
import { afterEach, describe, expect, test } from "vitest";
import { UpstreamError } from "../../../src/intercept/errors.ts";
import type { FlowIdentity, FlowScheme } from "../../../src/intercept/flow-identity.ts";
import { createConnectUpstream } from "../../../src/intercept/io/upstream.ts";
import { nameOf } from "../../support/policy.ts";
import {
  createOriginAuthority,
  type OriginCertificate,
  selfSigned,
} from "../../support/origin-certificates.ts";

const NAME = nameOf("api.example.org");
const authority = createOriginAuthority();
const good = authority.issue([NAME]);
const trust = createSecureContext({ ca: authority.ca });

let undo = new AsyncDisposableStack();
afterEach(async () => {
  await undo.disposeAsync();
  undo = new AsyncDisposableStack();
});

async function listen(server: Server): Promise<number> {
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => sockets.add(socket));
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  undo.defer(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise<unknown>((done) => server.close(done));
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("it has no port");
  return address.port;
}

async function startOrigin(certificate: OriginCertificate, options: TlsOptions = {}) {
  const seen: { readonly names: (string | false)[]; octets: number } = { names: [], octets: 0 };
  const server = createServer({ ...certificate, ...options }, (socket: TLSSocket) => {
    seen.names.push(socket.servername ?? false);
    socket.on("error", () => undefined);
    socket.on("data", (chunk: Buffer) => {
      seen.octets += chunk.length;
      socket.end("hello");
    });
  });
  server.on("tlsClientError", () => undefined);
  return { port: await listen(server), seen };
}

function connectorTo(port: number, scheme: FlowScheme = "https") {
  const identity: FlowIdentity = { name: NAME, scheme, destination: { address: "127.0.0.1", port } };
  return createConnectUpstream(identity, {
    trust,
    connect: async ({ destination }) => {
      const socket = connect(destination.port, destination.address);
      undo.defer(() => void socket.destroy());
      return socket;
    },
  });
}

function withoutChain({ key, cert }: OriginCertificate): OriginCertificate {
  const end = "-----END CERTIFICATE-----\n";
  return { key, cert: cert.slice(0, cert.indexOf(end) + end.length) };
}

const failure = (attempt: Promise<unknown>): Promise<unknown> => attempt.catch((error: unknown) => error);

test("the host is asked for the flow's name, and its certificate is checked against it", async () => {
  const { port, seen } = await startOrigin(good);
  const { socket, protocol } = await connectorTo(port)({ protocols: ["http/1.1"] });
  expect(protocol).toBe("http/1.1");
  const answer = await new Promise<string>((done) => {
    socket.on("data", (chunk: Buffer) => done(chunk.toString()));
    socket.write("GET");
  });
  expect(answer).toBe("hello");
  expect(seen.names).toEqual([NAME]);
  socket.destroy();
});

test.each([
  [["h2", "http/1.1"], ["h2", "http/1.1"], "h2"],
  [["http/1.1"], ["h2", "http/1.1"], "http/1.1"],
  [["h2", "http/1.1"], ["http/1.1"], "http/1.1"],
  [["h2", "http/1.1"], undefined, "http/1.1"],
] as const)("what is offered is %j, and a host that knows %j speaks %s", async (offered, known, spoken) => {
  const { port } = await startOrigin(good, known === undefined ? {} : { ALPNProtocols: [...known] });
  const { socket, protocol } = await connectorTo(port)({ protocols: offered });
  expect(protocol).toBe(spoken);
  socket.destroy();
});

describe("a certificate that does not prove the name", () => {
  test.each([
    ["of another name", () => authority.issue(["other.example.org"])],
    ["of a name below", () => authority.issue([`www.${NAME}`])],
    ["that has run out", () => authority.issue([NAME], -1)],
    ["that is its own issuer", () => selfSigned(NAME, [NAME])],
    ["of an authority that is not trusted", () => createOriginAuthority().issue([NAME])],
    ["that is not valid yet", () => authority.issueEarly([NAME])],
    ["for clients alone", () => authority.issue([NAME], 2, "extendedKeyUsage=clientAuth")],
    ["whose intermediate has run out", () => authority.signIntermediate({ days: -1 }).issue([NAME])],
    [
      "that a certificate has signed which is no authority",
      () => authority.signIntermediate({ isAuthority: false }).issue([NAME]),
    ],
    [
      "whose intermediate does not come with it",
      () => withoutChain(authority.signIntermediate().issue([NAME])),
    ],
  ])("%s is refused, and nothing is sent", async (_what, make) => {
    const { port, seen } = await startOrigin(make());
    const error = await failure(connectorTo(port)({ protocols: ["http/1.1"] }));
    expect(error).toBeInstanceOf(UpstreamError);
    expect(error).toMatchObject({ code: "certificate", message: expect.stringContaining(NAME) });
    expect(seen.octets).toBe(0);
  });
});

test("a certificate by an intermediate that comes with it proves the name", async () => {
  const { port } = await startOrigin(authority.signIntermediate().issue([NAME]));
  const { socket, protocol } = await connectorTo(port)({ protocols: ["http/1.1"] });
  expect(protocol).toBe("http/1.1");
  socket.destroy();
});

test("a host that speaks no TLS is no handshake", async () => {
  const server = createTcpServer((socket) => {
    socket.on("error", () => undefined);
    socket.end("HTTP/1.1 400 Bad Request\r\n\r\n");
  });
  const error = await failure(connectorTo(await listen(server))({ protocols: ["http/1.1"] }));
  expect(error).toMatchObject({ code: "handshake" });
});

test("a handshake is given up with its signal", async () => {
  const silent = createTcpServer((socket) => void socket.on("error", () => undefined));
  const port = await listen(silent);
  const abort = new AbortController();
  const attempt = failure(connectorTo(port)({ protocols: ["http/1.1"], signal: abort.signal }));
  abort.abort();
  expect(await attempt).toMatchObject({ code: "handshake" });
});

test("over http nothing is proved, and nothing is said first", async () => {
  const server = createTcpServer((socket) => {
    socket.on("error", () => undefined);
    socket.end("hello");
  });
  const { socket, protocol } = await connectorTo(await listen(server), "http")({ protocols: ["http/1.1"] });
  expect(protocol).toBe("http/1.1");
  socket.destroy();
});
