import { type Scheme, SCHEME_PORTS } from "../../vault/binding.ts";
import { type Authority, isSameAuthority, parseAuthority } from "./authority.ts";
import { isTargetText } from "./octets.ts";
import { refuse, type Refusal } from "./refusal.ts";

export interface TargetContext {
  readonly method: string;
  readonly scheme: Scheme;
  readonly authority: Authority;
}

/**
 * The target in origin form, or `*` of OPTIONS (RFC 9112 section 3.2). The absolute form passes if its
 * authority is that of `Host`, and loses it. A fragment does not pass, nor does anything but visible ASCII.
 */
export function readTarget(text: string, context: TargetContext): string | Refusal {
  if (!isTargetText(text)) return refuse(400, "a request target with characters that may not stand there");
  if (text.startsWith("/")) return text;
  if (text === "*") {
    return context.method === "OPTIONS" ? text : refuse(400, "the request target * without OPTIONS");
  }
  const match = /^(?<scheme>https?):\/\/(?<authority>[^/?]*)(?<rest>.*)$/i.exec(text);
  if (match === null) return refuse(400, "a request target that is no path");
  const { scheme = "", authority = "", rest = "" } = match.groups ?? {};
  const named = parseAuthority(authority);
  if (
    named === undefined ||
    scheme.toLowerCase() !== context.scheme ||
    !isSameAuthority(named, context.authority, SCHEME_PORTS[context.scheme])
  )
    return refuse(421, "the request target names another authority than Host");
  return rest.startsWith("/") ? rest : `/${rest}`;
}

/** The target up to its query. */
export function pathOf(target: string): string {
  const query = target.indexOf("?");
  return query < 0 ? target : target.slice(0, query);
}
