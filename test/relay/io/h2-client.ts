import { type ClientHttp2Session, connect, type OutgoingHttpHeaders } from "node:http2";
import { connect as connectTls } from "node:tls";
import { CA, defer, NAME } from "./world.ts";

/** A session with the relay. */
export function dialH2(port: number): ClientHttp2Session {
  const client = connect(`https://${NAME}`, {
    createConnection: () =>
      connectTls({ port, host: "127.0.0.1", ca: CA, servername: NAME, ALPNProtocols: ["h2"] }),
  });
  client.on("error", () => undefined);
  defer(() => client.destroy());
  return client;
}

export interface H2Answer {
  readonly status: number;
  readonly headers: OutgoingHttpHeaders;
  readonly interim: readonly number[];
  readonly body: string;
  readonly trailers: OutgoingHttpHeaders;
  readonly code: number;
}

/** Resolves when the stream is closed. `body` undefined: the request has none. */
export async function askH2(
  client: ClientHttp2Session,
  headers: OutgoingHttpHeaders,
  body?: string,
): Promise<H2Answer> {
  const stream = client.request({ ":path": "/", ...headers }, { endStream: body === undefined });
  if (body !== undefined) stream.end(body);
  let text = "";
  let head: OutgoingHttpHeaders = {};
  let trailers: OutgoingHttpHeaders = {};
  const interim: number[] = [];
  stream.on("headers", (one) => interim.push(Number(one[":status"])));
  stream.on("response", (one) => (head = one));
  stream.on("trailers", (one) => (trailers = one));
  stream.on("data", (octets: Buffer) => (text += octets.toString()));
  stream.on("error", () => undefined);
  await new Promise((done) => stream.once("close", done));
  const code = stream.rstCode ?? 0;
  return { status: Number(head[":status"] ?? 0), headers: head, interim, body: text, trailers, code };
}
