/**
 * POST requests of the sidecar's own, over HTTP and HTTPS: the host resolved by the upstreams, the way opened
 * in the kernel, the socket marked. One connection at a time, kept for the next request. Redirects are not
 * followed, since they lead where no way is open, and proxy variables (HTTP_PROXY and the like) have no
 * effect.
 */
import { Agent, type ClientRequest, type ClientRequestArgs, request as httpRequest } from "node:http";
import { isIP, type Socket } from "node:net";
import type { Duplex } from "node:stream";

export interface Poster {
  /** Settles with the status of the answer, whose body is not read. Throws OutboundError or Node's errors. */
  post(body: string | Buffer, signal: AbortSignal): Promise<number>;
  /** Ends the connection. */
  close(): void;
}

export interface PosterOptions {
  /** Credentials in it become a header (RFC 7617). */
  readonly url: URL;
  readonly contentType: string;
  readonly userAgent: string;
  /** A connection to the URL's host and port. */
  readonly connect: () => Promise<Socket>;
}

/**
 * A server that has closed an idle connection says so in time, mostly; one that is older is not used again.
 */
const IDLE_MS = 15_000;
/** Answers are short; what is longer ends the connection. */
const MAX_ANSWER_OCTETS = 65_536;

export async function createPoster(options: PosterOptions): Promise<Poster> {
  const { url, contentType } = options;
  const { agent, request } = url.protocol === "https:" ? await openTls(options) : openPlain(options);
  const headers = { "Content-Type": contentType, "User-Agent": options.userAgent };
  return {
    post(body, signal) {
      const { promise, resolve, reject } = Promise.withResolvers<number>();
      const length = { "Content-Length": String(Buffer.byteLength(body)) };
      const outgoing = request(url, { method: "POST", agent, signal, headers: { ...headers, ...length } });
      outgoing.on("error", reject);
      // Node ends such a connection without a word if nobody listens.
      outgoing.on("upgrade", ({ statusCode = 0 }, socket) => {
        socket.destroy();
        resolve(statusCode);
      });
      outgoing.on("response", (answer) => {
        let octets = 0;
        answer.on("data", (chunk: Buffer) => {
          octets += chunk.length;
          if (octets > MAX_ANSWER_OCTETS) answer.destroy();
        });
        // The status is known, whatever becomes of the rest.
        answer.on("error", () => undefined);
        answer.on("close", () => resolve(answer.statusCode ?? 0));
      });
      outgoing.end(body);
      return promise;
    },
    close: () => agent.destroy(),
  };
}

interface Client {
  readonly agent: Agent;
  readonly request: (url: URL, options: ClientRequestArgs) => ClientRequest;
}

type OnSocket = (error: Error | null, socket: Duplex) => void;

const AGENT_OPTIONS = { keepAlive: true, maxSockets: 1, maxFreeSockets: 1, timeout: IDLE_MS };

function openPlain({ connect }: PosterOptions): Client {
  const agent = new Agent(AGENT_OPTIONS);
  agent.createConnection = (_options, callback) => {
    void hand(connect(), callback);
    return undefined;
  };
  return { agent, request: httpRequest };
}

/** Loaded only for an https URL: it costs some milliseconds of a start. */
async function openTls({ url, connect }: PosterOptions): Promise<Client> {
  const [{ Agent: TlsAgent, request }, { connect: connectTls }] = await Promise.all([
    import("node:https"),
    import("node:tls"),
  ]);
  const host = url.hostname.replace(/^\[(.*)\]$/, "$1");
  // A certificate for an address has that address in it; only names are sent ahead (RFC 6066 section 3).
  const servername = isIP(host) === 0 ? host : "";
  const agent = new TlsAgent(AGENT_OPTIONS);
  agent.createConnection = (_options, callback) => {
    void hand(
      connect().then((socket) => connectTls({ socket, host, servername })),
      callback,
    );
    return undefined;
  };
  return { agent, request };
}

async function hand(connecting: Promise<Duplex>, callback: OnSocket | undefined): Promise<void> {
  let socket: Duplex;
  try {
    socket = await connecting;
  } catch (error) {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- Node's type wants a socket beside an error
    (callback as ((error: unknown) => void) | undefined)?.(error);
    return;
  }
  callback?.(null, socket);
}
