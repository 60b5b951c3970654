import { UpstreamError } from "../../intercept/errors.ts";
import { refuse, type Refusal } from "../gate/refusal.ts";

/** What the client is told if the origin cannot be talked to. Throws what is no such failure. */
export function toRefusal(error: unknown): Refusal {
  if (!(error instanceof UpstreamError)) throw error;
  // Who cannot prove the name is not whom the request is for.
  return refuse(error.code === "certificate" ? 421 : 502, error.message);
}
