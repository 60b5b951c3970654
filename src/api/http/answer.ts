import { getRequestListener } from "@hono/node-server";
import type { App } from "../app.ts";
import type { Answer } from "./http-server.ts";

/** Has the application answer what Node's server has read. */
export function createAnswer(app: App): Answer {
  const listeners = { tcp: listen(app, false), unix: listen(app, true) };
  return (incoming, outgoing, overUnixSocket) =>
    void (overUnixSocket ? listeners.unix : listeners.tcp)(incoming, outgoing);
}

function listen(app: App, overUnixSocket: boolean): ReturnType<typeof getRequestListener> {
  return getRequestListener((request, bindings) => app.fetch(request, { ...bindings, overUnixSocket }), {
    hostname: "localhost",
    overrideGlobalObjects: false,
    autoCleanupIncoming: false,
    errorHandler: () =>
      new Response("the request's target can't be read", {
        status: 400,
        headers: { "Content-Type": "text/plain; charset=utf-8" },
      }),
  });
}
