/**
 * Headers by which some servers take another request than the request line and Host have: another method,
 * another path, another host.
 */
import { isSameAuthority, parseAuthority } from "./authority.ts";
import type { Field } from "./field.ts";

export const METHOD_OVERRIDES: ReadonlySet<string> = new Set([
  "x-http-method-override",
  "x-http-method",
  "x-method-override",
]);

export const PATH_OVERRIDES: ReadonlySet<string> = new Set(["x-original-url", "x-rewrite-url"]);

const HOST_OVERRIDES: ReadonlySet<string> = new Set([
  "forwarded",
  "x-forwarded-host",
  "x-forwarded-server",
  "x-original-host",
  "x-host",
  "x-http-host-override",
]);

export function isOverride(key: string): boolean {
  return METHOD_OVERRIDES.has(key) || PATH_OVERRIDES.has(key) || HOST_OVERRIDES.has(key);
}

export interface OwnHost {
  readonly name: string;
  readonly port: number;
}

/** Whether it names a host, in one of its members, that is not the request's own. */
export function namesOtherHost({ key, value }: Field, own: OwnHost): boolean {
  if (!HOST_OVERRIDES.has(key)) return false;
  const named = key === "forwarded" ? forwardedHosts(value) : value.split(",");
  return named.some((text) => {
    const authority = parseAuthority(text.trim());
    // Without a port it is the request's host, whatever port that has.
    return authority === undefined || !isSameAuthority(authority, own, own.port);
  });
}

/** Of RFC 7239, wherever one stands: not every server reads its quotes. */
function forwardedHosts(value: string): readonly string[] {
  return [...value.matchAll(/host[ \t]*=[ \t]*(?:"(?<quoted>[^"\\]*)"|(?<token>[^;,"\s]*))/gi)].map(
    ({ groups }) => groups?.["quoted"] ?? groups?.["token"] ?? "",
  );
}
