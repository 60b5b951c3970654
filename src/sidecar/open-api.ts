/**
 * The API of `egress serve`: one application behind a unix socket and a TCP port, loaded by the first request
 * that needs it.
 *
 * The unix socket comes first: it goes on if no TCP port is left.
 */
import type { AppParts } from "../api/app.ts";
import type { StatusSources } from "../api/status.ts";
import type { DoorKind } from "../api/http/door.ts";
import { type Answer, type Application, createHttpServer } from "../api/http/http-server.ts";
import { type Listener, listenUnix } from "../api/http/listen.ts";
import type { Settings } from "../config.ts";
import { loadByFirstFlags } from "../sys/process-memory.ts";
import { runInSlices } from "../sys/in-slices.ts";
import { keepOpen, type KeptTcpApi, type TcpState } from "./keep-tcp-api.ts";
import { openTcpApi } from "./tcp-api.ts";

type ApiSettings = Pick<
  Settings,
  "httpAddress" | "socketPath" | "token" | "allowLocalWrites" | "signedWrites"
>;

/** What the application is made of, but for its settings. */
export interface ApiSources extends Omit<AppParts, "auth" | "startMs" | "takeSteps" | "status"> {
  readonly status: Omit<StatusSources, "tcpState">;
}

export interface OpenApi extends Pick<Listener, "close">, Pick<KeptTcpApi, "state" | "fault"> {}

/**
 * Opens it as the settings say. Throws ListenError, NetlinkError and SystemCallError, and then nothing
 * listens; but not if TCP only lacks a port, a descriptor or memory for now: `onTcpChange` gets that, and
 * what comes of it.
 */
export async function openApi(
  settings: ApiSettings,
  parts: ApiSources,
  onTcpChange: (state: TcpState) => void,
): Promise<OpenApi> {
  await using undo = new AsyncDisposableStack();
  let tcp: KeptTcpApi | undefined;
  const status = { ...parts.status, tcpState: () => tcp?.state() };
  const application: Application = {
    health: () => parts.control.health(),
    isAudit: () => parts.control.isAudit(),
    load: loadOnce({ ...parts, status, auth: settings, startMs: Date.now(), takeSteps: runInSlices }),
    onError: parts.onError,
  };
  const createServer = (door: DoorKind) => createHttpServer(application, { door });
  const { socketPath } = settings;
  const unix = socketPath === undefined ? undefined : await listenUnix(createServer("unix"), socketPath);
  undo.defer(() => unix?.close(0));
  const kept = keepOpen(() => openTcpApi(settings.httpAddress, createServer), onTcpChange);
  tcp = kept;
  undo.move();
  return {
    state: kept.state,
    fault: kept.fault,
    async close(limitMs) {
      await Promise.all([kept.close(limitMs), unix?.close(limitMs)]);
    },
  };
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
