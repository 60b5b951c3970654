/** An origin, a relay before it, and clients of both, over real TLS on loopback. */
import { connect as connectTcp, type AddressInfo, type Server, type Socket } from "node:net";
import {
  connect,
  createSecureContext,
  createServer,
  type Server as TlsServer,
  type TLSSocket,
} from "node:tls";
import { afterEach } from "vitest";
import { createConnectUpstream } from "../../../src/intercept/io/upstream.ts";
import type { FlowIdentity, HttpProtocol } from "../../../src/intercept/flow-identity.ts";
import type { RelayOptions } from "../../../src/relay/io/options.ts";
import { relayConnection } from "../../../src/relay/io/relay-connection.ts";
import { createLineRooms } from "../../../src/relay/io/line-rooms.ts";
import { createSessionRooms } from "../../../src/relay/io/session-rooms.ts";
import type { RelayEvents } from "../../../src/relay/ports.ts";
import { createVaultCell, type VaultCell } from "../../../src/vault/vault.ts";
import { createOriginAuthority } from "../../support/origin-certificates.ts";
import { nameOf } from "../../support/policy.ts";
import { until } from "../../support/until.ts";
import { binding, vaultOf } from "../../vault/make-vault.ts";

export const NAME = nameOf("api.example.org");
export const SECRET = "s3cr3t";

const authority = createOriginAuthority();
/** PEM of the root that has signed for origin and relay. */
export const CA = authority.ca;
/** For both, valid for `api.example.org`. */
export const CERTIFICATE = authority.issue([NAME]);
const trust = createSecureContext({ ca: CA });

let undo = new AsyncDisposableStack();
afterEach(async () => {
  await undo.disposeAsync();
  undo = new AsyncDisposableStack();
});

/** Undone behind the test. */
export function defer(end: () => Promise<void> | void): void {
  undo.defer(async () => end());
}

/** Listens on a port of loopback until the test is over; its connections are closed then. */
export async function listen(server: Server, address = "127.0.0.1"): Promise<number> {
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
  });
  await new Promise<void>((done) => server.listen(0, address, done));
  undo.defer(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise<unknown>((done) => server.close(done));
  });
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- it listens on a port
  return (server.address() as AddressInfo).port;
}

/** What the relay has told. */
export interface Told {
  readonly refused: Parameters<RelayEvents["refused"]>[0][];
  readonly injected: Parameters<RelayEvents["injected"]>[0][];
  readonly cut: Parameters<RelayEvents["cut"]>[0][];
}

export interface Relay {
  readonly port: number;
  readonly told: Told;
  readonly vault: VaultCell;
  /** What it has said that it keeps, of all connections. */
  readonly kept: number[];
  /** Why it has closed connections for what their clients did. */
  readonly shed: string[];
  /** Connections that are under way. */
  open(): number;
  /** Connections to the origin that were opened. */
  dialled(): number;
  /** The relay's sides of its connections, in the order of their opening. */
  readonly clients: TLSSocket[];
  readonly upstreams: Socket[];
}

export interface RelayWishes extends Partial<Pick<RelayOptions, "rules" | "findChange">> {
  readonly origin: number;
  readonly protocols?: readonly HttpProtocol[];
  /** The port that the flow claims to be for; bindings are for 443 alone. */
  readonly claimedPort?: number;
  readonly address?: string;
  /** Of {@link createLineRooms}. */
  readonly lineRooms?: number;
  /** The origin is reached once this settles. */
  readonly reached?: Promise<void>;
}

/** A relay for flows to `api.example.org`, whose binding sets a bearer token. */
export async function startRelay(wishes: RelayWishes): Promise<Relay> {
  const { origin, protocols = ["http/1.1"], claimedPort = 443, address = "127.0.0.1" } = wishes;
  const told: Told = { refused: [], injected: [], cut: [] };
  const vault = createVaultCell();
  vault.write(vaultOf(binding("token", { hosts: [NAME] })));
  let open = 0;
  let dialled = 0;
  const clients: TLSSocket[] = [];
  const upstreams: Socket[] = [];
  const kept: number[] = [];
  const shed: string[] = [];
  const rooms = createSessionRooms();
  const lineRooms = createLineRooms(wishes.lineRooms);
  const flow: FlowIdentity = { name: NAME, scheme: "https", destination: { address, port: claimedPort } };
  const server = createServer({ ...CERTIFICATE, ALPNProtocols: [...protocols] }, (client: TLSSocket) => {
    open++;
    clients.push(client);
    const connectOrigin = createConnectUpstream(flow, {
      trust,
      connect: async () => {
        dialled++;
        await wishes.reached;
        return connectTcp(origin, address);
      },
    });
    const relayed = relayConnection({
      client,
      protocol: client.alpnProtocol === "h2" ? "h2" : "http/1.1",
      flow,
      vault,
      rooms,
      lineRooms,
      keeps: (octets) => kept.push(octets),
      shed: (reason) => shed.push(reason),
      async connectUpstream(options) {
        const connection = await connectOrigin(options);
        upstreams.push(connection.socket);
        return connection;
      },
      tell: {
        refused: (event) => told.refused.push(event),
        injected: (event) => told.injected.push(event),
        cut: (event) => told.cut.push(event),
      },
      ...(wishes.rules === undefined ? {} : { rules: wishes.rules }),
      ...(wishes.findChange === undefined ? {} : { findChange: wishes.findChange }),
    });
    void relayed.finally(() => open--);
  });
  server.on("tlsClientError", () => undefined);
  const port = await listen(server, address);
  return { port, told, kept, shed, vault, open: () => open, dialled: () => dialled, clients, upstreams };
}

/** An origin that is driven by hand: each connection, decrypted. */
export interface RawOrigin {
  readonly port: number;
  readonly server: TlsServer;
  readonly connections: RawConnection[];
  /** The next connection that nobody has taken yet. */
  next(): Promise<RawConnection>;
}

export interface RawConnection {
  readonly socket: TLSSocket;
  /** All that has come, latin1. */
  text(): string;
  /** Resolves with all that has come once the text is in it. */
  has(text: string | RegExp): Promise<string>;
  /** How the other side has ended it. */
  closed(): boolean;
  readonly state: { isEnded: boolean; isClosed: boolean };
}

export async function startRawOrigin(): Promise<RawOrigin> {
  const connections: RawConnection[] = [];
  let taken = 0;
  const server = createServer({ ...CERTIFICATE, ALPNProtocols: ["http/1.1"] }, (socket) =>
    connections.push(watch(socket)),
  );
  const port = await listen(server);
  return {
    port,
    server,
    connections,
    async next() {
      const index = taken++;
      return until(`connection ${index} to the origin`, () => connections[index]);
    },
  };
}

/** A client of the relay, driven by hand. */
export async function connectRaw(port: number, address = "127.0.0.1"): Promise<RawConnection> {
  const socket = connect({ port, host: address, ca: CA, servername: NAME, ALPNProtocols: ["http/1.1"] });
  const connection = watch(socket);
  await new Promise<void>((done, fail) => {
    socket.once("secureConnect", done);
    socket.once("error", fail);
  });
  defer(() => void socket.destroy());
  return connection;
}

function watch(socket: TLSSocket): RawConnection {
  let text = "";
  const state = { isEnded: false, isClosed: false };
  socket.on("data", (octets: Buffer) => (text += octets.toString("latin1")));
  socket.on("error", () => undefined);
  socket.on("end", () => (state.isEnded = true));
  socket.on("close", () => (state.isClosed = true));
  return {
    socket,
    state,
    text: () => text,
    closed: () => state.isEnded || state.isClosed,
    has: async (wanted) =>
      until(`${String(wanted)} in ${JSON.stringify(text)}`, () =>
        (typeof wanted === "string" ? text.includes(wanted) : wanted.test(text)) ? text : undefined,
      ),
  };
}

/** A client that does not read an answer of so many octets, which the origin has written. */
export async function startUnread(octets: number) {
  const origin = await startRawOrigin();
  const relay = await startRelay({ origin: origin.port });
  const client = await connectRaw(relay.port);
  client.socket.write(`GET / HTTP/1.1\r\nHost: ${NAME}\r\n\r\n`);
  const server = await origin.next();
  await server.has("\r\n\r\n");
  client.socket.pause();
  server.socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${octets}\r\n\r\n`);
  server.socket.write(Buffer.alloc(octets));
  return { relay, client };
}
