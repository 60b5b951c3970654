/** The API of `egress serve`: one application behind a TCP port and a unix socket. */
import { type AppParts, createApp } from "../api/app.ts";
import { createHttpServer } from "../api/http-server.ts";
import { type Listener, listenTcp, listenUnix } from "../api/listen.ts";
import type { Settings } from "../config.ts";

/** Listens as the settings say. Throws ListenError, and then nothing listens. */
export async function openApi(
  settings: Pick<Settings, "httpAddress" | "socketPath" | "token" | "allowLocalWrites" | "signedWrites">,
  parts: Omit<AppParts, "auth">,
): Promise<Pick<Listener, "close">> {
  const app = createApp({ ...parts, auth: settings });
  const listeners: Listener[] = [];
  const close = async (limitMs: number): Promise<void> => {
    await Promise.all(listeners.map((listener) => listener.close(limitMs)));
  };
  try {
    listeners.push(await listenTcp(createHttpServer(app, { overUnixSocket: false }), settings.httpAddress));
    if (settings.socketPath !== undefined) {
      listeners.push(await listenUnix(createHttpServer(app, { overUnixSocket: true }), settings.socketPath));
    }
  } catch (error) {
    await close(0);
    throw error;
  }
  return { close };
}
