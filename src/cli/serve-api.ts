/** The API of `egress serve`: one application behind a TCP port and a unix socket, loaded by the first request that needs it. */
import type { AppParts } from "../api/app.ts";
import { type Answer, type Application, createHttpServer } from "../api/http-server.ts";
import { type Listener, listenTcp, listenUnix } from "../api/listen.ts";
import type { Settings } from "../config.ts";

/** Listens as the settings say. Throws ListenError, and then nothing listens. */
export async function openApi(
  settings: Pick<Settings, "httpAddress" | "socketPath" | "token" | "allowLocalWrites" | "signedWrites">,
  parts: Omit<AppParts, "auth">,
): Promise<Pick<Listener, "close">> {
  const application: Application = {
    health: () => parts.control.health(),
    load: loadOnce({ ...parts, auth: settings, startMs: Date.now() }),
    onError: parts.onError,
  };
  const listeners: Listener[] = [];
  const close = async (limitMs: number): Promise<void> => {
    await Promise.all(listeners.map((listener) => listener.close(limitMs)));
  };
  try {
    const overTcp = createHttpServer(application, { overUnixSocket: false });
    listeners.push(await listenTcp(overTcp, settings.httpAddress));
    if (settings.socketPath !== undefined) {
      const overUnix = createHttpServer(application, { overUnixSocket: true });
      listeners.push(await listenUnix(overUnix, settings.socketPath));
    }
  } catch (error) {
    await close(0);
    throw error;
  }
  return { close };
}

function loadOnce(parts: AppParts): () => Promise<Answer> {
  let loaded: Promise<Answer> | undefined;
  return () => (loaded ??= load(parts));
}

async function load(parts: AppParts): Promise<Answer> {
  const [{ createApp }, { createAnswer }] = await Promise.all([
    import("../api/app.ts"),
    import("../api/answer.ts"),
  ]);
  return createAnswer(createApp(parts));
}
