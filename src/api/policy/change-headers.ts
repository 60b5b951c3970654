import type { IncomingHttpHeaders } from "node:http";
import { digestBody, parseContentDigest } from "../auth/content-digest.ts";
import type { Refusal } from "../refusal.ts";

/** What each would have a change do; without it another change is made than was asked for. */
const UNSERVED: readonly (readonly [name: string, remedy: string])[] = [
  ["If-None-Match", "send If-Match with the ETag of the policy that is to be changed"],
  ["If-Modified-Since", "send If-Match with the ETag of the policy that is to be changed"],
  ["If-Unmodified-Since", "send If-Match with the ETag of the policy that is to be changed"],
  ["If-Range", "send If-Match with the ETag of the policy that is to be changed"],
  ["Content-Range", "send the whole body"],
  ["X-HTTP-Method-Override", "send the method itself"],
  ["X-HTTP-Method", "send the method itself"],
  ["X-Method-Override", "send the method itself"],
];

/** The refusal of a change that asks by its headers for what is not served. */
export function refuseHeaders(headers: IncomingHttpHeaders): Refusal | undefined {
  const encoding = headers["content-encoding"]?.trim().toLowerCase() ?? "identity";
  if (encoding !== "identity") return refuse("Content-Encoding: send the body as it is");
  const found = UNSERVED.find(([name]) => headers[name.toLowerCase()] !== undefined);
  return found && refuse(`${found[0]}: not served on a change, so nothing was changed: ${found[1]}`);
}

/** The refusal of a body that is not the one that its header `Content-Digest` speaks of. */
export function refuseDigest(headers: IncomingHttpHeaders, body: Uint8Array): Refusal | undefined {
  const sent = headers["content-digest"];
  if (sent === undefined) return undefined;
  const told = typeof sent === "string" ? parseContentDigest(sent) : undefined;
  if (told === undefined) return refuse("Content-Digest: holds no sha-256, or more than one");
  return told.equals(digestBody(body)) ? undefined : refuse("Content-Digest: the body is another");
}

function refuse(message: string): Refusal {
  return { code: "bad-request", message };
}
