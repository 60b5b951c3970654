import type { HttpBindings } from "@hono/node-server";
import type { Context } from "hono";

/** What a request brings besides itself: Node's own objects, and by which door it came. */
export interface ApiBindings extends HttpBindings {
  /** Came in by the unix socket, whose file mode has already said who may. */
  readonly overUnixSocket: boolean;
}

export interface ApiEnv {
  readonly Bindings: ApiBindings;
}

export type ApiContext = Context<ApiEnv>;
