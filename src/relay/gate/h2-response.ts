import { isHopByHop } from "./connection-fields.ts";
import { type Field, makeField } from "./field.ts";
import { CHUNKED, NO_BODY, readFraming } from "./framing.ts";
import { isFieldValue, isToken } from "./octets.ts";
import { refuse, type Refusal } from "./refusal.ts";
import type { GatedResponse } from "./response.ts";

/** A response of HTTP/2 as node:http2 gives it, names and values in turn. Interim ones have no body. */
export function gateH2Response(raw: readonly string[], hasBody: boolean): GatedResponse | Refusal {
  const [name, text = ""] = raw;
  if (name !== ":status" || !/^[1-5]\d\d$/.test(text)) return refuse(502, "the origin has sent no status");
  const fields = readH2Fields(raw.slice(2));
  if ("kind" in fields) return fields;
  const lengths = fields.filter(({ key }) => key === "content-length");
  const length =
    lengths.length > 1 ? undefined : readFraming({ length: lengths[0]?.value, coding: undefined });
  if (lengths.length > 1 || length?.kind === "refused")
    return refuse(502, "the origin has sent a content-length that is none");
  return {
    kind: "response",
    status: Number(text),
    reason: "",
    framing: hasBody ? (length ?? CHUNKED) : NO_BODY,
    toldLength: hasBody ? undefined : lengths[0]?.value,
    keepsAlive: true,
    fields: fields.filter(({ key }) => key !== "content-length" && key !== "alt-svc" && !isHopByHop(key)),
  };
}

/** Fields without pseudo fields: of a response behind its status, or trailers. */
export function readH2Fields(raw: readonly string[]): readonly Field[] | Refusal {
  const fields: Field[] = [];
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const [name = "", value = ""] = [raw[at], raw[at + 1]];
    if (!isToken(name) || !isFieldValue(value))
      return refuse(502, "the origin has sent a field that is none");
    fields.push(makeField(name, value));
  }
  return fields;
}
