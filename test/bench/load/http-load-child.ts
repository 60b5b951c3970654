/**
 * Asks over HTTP: `PLAN PORT h1|h2 IN-FLIGHT SECONDS`, or `PLAN PORT h1|h2 bulk OCTETS`. Tells in a line of
 * JSON what it has seen.
 */
import { readFileSync } from "node:fs";
import { connect as connectHttp2, type ClientHttp2Session } from "node:http2";
import { connect, type TLSSocket } from "node:tls";
import { connectByProxy } from "./by-proxy.ts";
import { ANSWER, BULK_PATH, HTTP_NAME, type HttpPlan } from "./http-plan.ts";

const [plan = "", port = "", protocol = "", inFlight = "", amount = ""] = process.argv.slice(2);
// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the bench writes it
const { ca } = JSON.parse(readFileSync(plan, "utf8")) as HttpPlan;
const proxy = process.env["BENCH_PROXY"];
const WINDOW = 16 << 20;

async function dial(alpn: string): Promise<TLSSocket> {
  const to =
    proxy === undefined
      ? { port: Number(port), host: "127.0.0.1" }
      : { socket: await connectByProxy(Number(proxy), Number(port)) };
  const socket = connect({ ...to, ca, servername: HTTP_NAME, ALPNProtocols: [alpn] });
  await new Promise<void>((done, fail) => {
    socket.once("secureConnect", done);
    socket.once("error", fail);
  });
  return socket;
}

async function dialHttp2(): Promise<ClientHttp2Session> {
  const socket = await dial("h2");
  const session = connectHttp2(`https://${HTTP_NAME}`, {
    createConnection: () => socket,
    settings: { initialWindowSize: 1 << 20 },
  });
  await new Promise((done) => session.once("connect", done));
  session.setLocalWindowSize(WINDOW);
  return session;
}

/** Gives how to ask once; `octets` is what the body has. */
async function opener(): Promise<() => Promise<(path: string, octets: number) => Promise<void>>> {
  if (protocol === "h2") {
    const session = await dialHttp2();
    return async () => async (path, octets) => {
      const stream = session.request({ ":path": path }, { endStream: true });
      let got = 0;
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      stream.on("data", (part: Buffer) => (got += part.length));
      stream.on("end", () => (got === octets ? resolve() : reject(new Error(`${got} of ${octets} octets`))));
      stream.on("error", reject);
      await promise;
    };
  }
  return async () => {
    const socket = await dial("http/1.1");
    return async (path, octets) => {
      // The head comes in one piece: it was written so.
      let got: number | undefined;
      const { promise, resolve } = Promise.withResolvers<void>();
      const onData = (part: Buffer): void => {
        got = got === undefined ? part.length - part.indexOf("\r\n\r\n") - 4 : got + part.length;
        if (got >= octets) resolve();
      };
      socket.on("data", onData);
      socket.write(`GET ${path} HTTP/1.1\r\nHost: ${HTTP_NAME}\r\nUser-Agent: bench\r\nAccept: */*\r\n\r\n`);
      await promise;
      socket.off("data", onData);
    };
  };
}

const open = await opener();
if (inFlight === "bulk") {
  const ask = await open();
  const startedAt = performance.now();
  await ask(`${BULK_PATH}${amount}`, Number(amount));
  tell({ perSecond: Number(amount) / 1e6 / ((performance.now() - startedAt) / 1000), p50Us: 0 });
} else {
  const took: number[] = [];
  // Handshakes are no part of what is measured.
  const asks = await Promise.all(Array.from({ length: Number(inFlight) }, open));
  for (const ask of asks) await ask("/", ANSWER.length);
  const endsAt = performance.now() + Number(amount) * 1000;
  await Promise.all(
    asks.map(async (ask) => {
      while (performance.now() < endsAt) {
        const askedAt = performance.now();
        await ask("/", ANSWER.length);
        took.push(performance.now() - askedAt);
      }
    }),
  );
  took.sort((a, b) => a - b);
  tell({ perSecond: took.length / Number(amount), p50Us: (took[took.length >> 1] ?? 0) * 1000 });
}

function tell(seen: { readonly perSecond: number; readonly p50Us: number }): void {
  process.stdout.write(`${JSON.stringify(seen)}\n`, () => process.exit());
}
