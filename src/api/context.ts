import type { HttpBindings } from "@hono/node-server";
import type { Context } from "hono";
import type { Door } from "./http/door.ts";

/** What a request brings besides itself: Node's own objects, and by which door it came. */
export interface ApiBindings extends HttpBindings {
  readonly door: Door;
}

export interface ApiEnv {
  readonly Bindings: ApiBindings;
}

export type ApiContext = Context<ApiEnv>;
