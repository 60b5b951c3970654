/**
 * The API of `egress serve`: one application behind a TCP port and a unix socket, loaded by the first request that needs it.
 *
 * The port that callers know is never listened on: whoever of the workload holds it, before the sidecar or while it is away, would be
 * told tokens. The API listens on free ports that nobody can foresee, one for callers from outside and one for those of this network
 * namespace, and the kernel sends callers there as long as this process lives.
 *
 * Its sockets are of a group of their own, so that the kernel lets nobody else answer from these ports.
 */
import { randomInt } from "node:crypto";
import type { AppParts } from "../api/app.ts";
import { ListenError } from "../api/errors.ts";
import { type Answer, type Application, createHttpServer, type HttpServer } from "../api/http/http-server.ts";
import {
  type Listener,
  listenTcp,
  type OpenAcceptor,
  listenUnix,
  showAddress,
  type TcpListener,
} from "../api/http/listen.ts";
import type { Settings } from "../config.ts";
import { type ApiRedirect, openApiRedirect } from "../netfilter/io/api-redirect.ts";
import type { Redirect } from "../netfilter/wire/redirect-rules.ts";
import { NetlinkError } from "../netlink/errors.ts";
import { parseAddress } from "../policy/address.ts";
import { loadByFirstFlags } from "../sys/process-memory.ts";
import { inSlices } from "../sys/in-slices.ts";
import { collectAfterConnections } from "./keep-memory.ts";
import { openAcceptor } from "../sys/acceptor.ts";
import { findOwnGroup } from "../sys/socket-group.ts";

type ApiSettings = Pick<
  Settings,
  "httpAddress" | "socketPath" | "token" | "allowLocalWrites" | "signedWrites"
>;

/** What the application is made of, but for its settings. */
export type ApiSources = Omit<AppParts, "auth" | "startMs" | "takeSteps">;

export interface OpenApi extends Pick<Listener, "close"> {
  /** Where it really listens to callers from outside, for the log. */
  readonly listening: string;
  /** The redirect is gone as soon as this process is. */
  readonly endsWithProcess: boolean;
  /** Why callers over TCP were not taken since the last look; to be asked about once a second. They are soon after. Throws what `openApi` throws. */
  fault(): string | undefined;
}

/** Opens it as the settings say. Throws ListenError, NetlinkError and SystemCallError, and then nothing listens. */
export async function openApi(settings: ApiSettings, parts: ApiSources): Promise<OpenApi> {
  await using undo = new AsyncDisposableStack();
  const application: Application = {
    health: () => parts.control.health(),
    load: loadOnce({ ...parts, auth: settings, startMs: Date.now(), takeSteps: inSlices }),
    onError: parts.onError,
  };
  const listeners: Listener[] = [];
  undo.defer(() => closeAll(listeners, 0));
  const own = findOwnGroup(randomInt);
  // Where there can be none, protection own-sockets says so.
  const group = own.ok ? own.group : undefined;
  const countConnection = collectAfterConnections();
  const open: OpenAcceptor = ({ onConnection, ...place }) =>
    openAcceptor({
      ...place,
      group,
      ...BUFFERS,
      onConnection(fd) {
        onConnection(fd);
        countConnection();
      },
    });
  const listenOn = async (door: "inside" | "outside"): Promise<TcpListener> => {
    const http = (): HttpServer => createHttpServer(application, { door });
    const listener = await listenElsewhere(http, settings.httpAddress, open);
    listeners.push(listener);
    return listener;
  };
  const outside = await listenOn("outside");
  const inside = await listenOn("inside");
  const ports = { outsidePort: outside.local.port, insidePort: inside.local.port, group };
  const redirect = redirectCallers(settings.httpAddress, outside.local.address, ports);
  undo.defer(() => redirect.close());
  if (settings.socketPath !== undefined) {
    const overUnix = createHttpServer(application, { door: "unix" });
    listeners.push(await listenUnix(overUnix, settings.socketPath));
  }
  undo.move();
  return {
    listening: showAddress({ host: outside.local.address, port: outside.local.port }),
    endsWithProcess: redirect.endsWithProcess,
    fault: () =>
      [redirect, outside, inside].map((part) => part.fault()).find((reason) => reason !== undefined),
    async close(limitMs) {
      redirect.close();
      await closeAll(listeners, limitMs);
    },
  };
}

/** A caller reads its answer; for one that does not the kernel keeps no more than this. What comes is read at once. */
const BUFFERS = { unreadOctets: 64 << 10, waitingOctets: 32 << 10 };

/** On a port that is free, and not the one that callers know: nobody is let in there but by the redirect. */
async function listenElsewhere(
  createServer: () => HttpServer,
  { host, port }: Settings["httpAddress"],
  open: OpenAcceptor,
): Promise<TcpListener> {
  for (;;) {
    const listener = listenTcp(createServer(), { host, port: 0 }, open);
    if (listener.local.port !== port) return listener;
    await listener.close(0);
  }
}

function redirectCallers(
  { host, port }: Settings["httpAddress"],
  address: string,
  to: Pick<Redirect, "outsidePort" | "insidePort" | "group">,
): ApiRedirect {
  try {
    return openApiRedirect({ port, ...to, ...calledAddress(address) });
  } catch (error) {
    if (!(error instanceof NetlinkError) || error.code !== "EPERM") throw error;
    const reason = "another sidecar serves it in this network namespace";
    throw new ListenError(showAddress({ host, port }), error.code, reason, error);
  }
}

/** What is listened on, and nothing more: a squatter could have the port on another address. */
function calledAddress(address: string): { family?: 4 | 6; address?: Uint8Array } {
  if (address === "::") return {};
  const parsed = parseAddress(address.replace(/%.*$/, ""));
  if (!parsed.ok) throw new TypeError(`not an address: ${address}`);
  const { family, octets } = parsed.value;
  return address === "0.0.0.0" ? { family } : { family, address: octets };
}

async function closeAll(listeners: readonly Listener[], limitMs: number): Promise<void> {
  await Promise.all(listeners.map((listener) => listener.close(limitMs)));
}

function loadOnce(parts: AppParts): () => Promise<Answer> {
  let loaded: Promise<Answer> | undefined;
  return () => (loaded ??= load(parts));
}

async function load(parts: AppParts): Promise<Answer> {
  const [{ createApp }, { createAnswer }] = await loadByFirstFlags(() =>
    Promise.all([import("../api/app.ts"), import("../api/http/answer.ts")]),
  );
  return createAnswer(createApp(parts));
}
