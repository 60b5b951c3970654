import { getRequestListener } from "@hono/node-server";
import type { App } from "../app.ts";
import type { Door } from "./door.ts";
import type { Answer } from "./http-server.ts";

/** Has the application answer what Node's server has read. */
export function createAnswer(app: App): Answer {
  const listeners = new WeakMap<Door, ReturnType<typeof getRequestListener>>();
  return (incoming, outgoing, door) => {
    const listener = listeners.get(door) ?? listen(app, door);
    listeners.set(door, listener);
    void listener(incoming, outgoing);
  };
}

function listen(app: App, door: Door): ReturnType<typeof getRequestListener> {
  return getRequestListener((request, bindings) => app.fetch(request, { ...bindings, door }), {
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
