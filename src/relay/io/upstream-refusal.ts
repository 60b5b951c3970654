import { UpstreamError } from "../../intercept/errors.ts";
import { refuse, type Refusal } from "../gate/refusal.ts";

/** What the client gets if we cannot talk to the origin. Throws any other error. */
export function toRefusal(error: unknown): Refusal {
  if (!(error instanceof UpstreamError)) throw error;
  // A host that cannot prove the name is not the one that the request is for.
  return refuse(error.code === "certificate" ? 421 : 502, error.message);
}
