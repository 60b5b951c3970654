import { isIP } from "node:net";
import { type DomainName, isDomainName } from "../policy/domain-name.ts";

/** A name as a client writes it into a ClientHello or a Host field, or what stands there instead. */
export type HostText =
  | { readonly kind: "name"; readonly name: DomainName }
  | { readonly kind: "address" }
  | { readonly kind: "odd" };

const ODD: HostText = { kind: "odd" };
const PORT = /:\d{1,5}$/;

/** A `HostName` of RFC 6066 section 3: ASCII, any case, no trailing dot. */
export function readHostName(text: string): HostText {
  return classify(text);
}

/**
 * The value of a Host field, `uri-host [ ":" port ]` (RFC 9110 section 7.2). A name may end in one dot, as
 * its user typed it.
 */
export function readHostField(value: string): HostText {
  const host = value.replace(PORT, "");
  if (host.startsWith("[") && host.endsWith("]"))
    return isIP(host.slice(1, -1)) === 6 ? { kind: "address" } : ODD;
  return classify(host.endsWith(".") ? host.slice(0, -1) : host);
}

function classify(text: string): HostText {
  if (isIP(text) !== 0) return { kind: "address" };
  const name = text.toLowerCase();
  // A last label of digits alone is no top-level domain: some clients and servers read an address of an odd
  // form there.
  if (name === "" || !isDomainName(name) || /(?:^|\.)(?:\d+|0x[0-9a-f]*)$/.test(name)) return ODD;
  return { kind: "name", name };
}
