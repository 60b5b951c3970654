import { UpstreamError } from "../../intercept/errors.ts";
import { refuse, type Refusal } from "../gate/refusal.ts";

/** What the client is told if the origin cannot be talked to. Throws what is no such failure. */
export function toRefusal(error: unknown): Refusal {
  if (error instanceof UpstreamError) return refuse(502, error.message);
  throw error;
}
