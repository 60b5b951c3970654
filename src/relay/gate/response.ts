import { isHopByHop } from "./connection-fields.ts";
import { listMembers, type Field } from "./field.ts";
import { findFramingFields, type Framing, NO_BODY, readFraming, UNTIL_CLOSE } from "./framing.ts";
import type { Head } from "./head.ts";
import { refuse, type Refusal } from "./refusal.ts";
import type { GatedRequest } from "./request.ts";
import { isWebSocketAnswer } from "./websocket-answer.ts";

/** A response that has passed; `status` 100 to 199, except 101, are interim ones. */
export interface GatedResponse {
  readonly kind: "response";
  readonly status: number;
  readonly reason: string;
  readonly framing: Framing;
  /** What an answer to HEAD or 304 says of the body that it does not have. */
  readonly toldLength: string | undefined;
  /** The origin keeps its connection. */
  readonly keepsAlive: boolean;
  readonly fields: readonly Field[];
}

/** Refusals are 502s: the origin's message is at fault. */
export function gateResponse(head: Head, request: GatedRequest): GatedResponse | Refusal {
  const match = /^HTTP\/1\.(?<minor>[01]) (?<status>[1-9]\d\d)(?: (?<reason>.*))?$/.exec(head.startLine);
  if (match === null) return refuse(502, "the origin's status line is none of HTTP/1.1");
  const status = Number(match.groups?.["status"]);
  const found = findFramingFields(head.fields);
  if ("status" in found) return refuse(502, `the origin has sent ${found.text}`);
  const framing = frameBody(status, request, readFraming(found));
  if (framing.kind === "refused") return framing;
  if (status === 101 && !isWebSocketAnswer(head.fields, request))
    return refuse(502, "the origin has changed the protocol, and not as it was asked to");
  const isOld = match.groups?.["minor"] === "0";
  const named = namedByConnection(head.fields);
  return {
    kind: "response",
    status,
    reason: match.groups?.["reason"] ?? "",
    framing,
    toldLength: framing.kind === "none" && status >= 200 && status !== 204 ? found.length : undefined,
    keepsAlive: keepsAlive(named, isOld) && framing.kind !== "until-close",
    fields: head.fields.filter(({ key }) => !isOfTheHop(key, named)),
  };
}

/** `Alt-Svc` would lead a client to HTTP/3, past all that judges its requests. */
function isOfTheHop(key: string, named: readonly string[]): boolean {
  return key === "content-length" || key === "alt-svc" || isHopByHop(key) || named.includes(key);
}

function namedByConnection(fields: readonly Field[]): readonly string[] {
  return fields.filter(({ key }) => key === "connection").flatMap(({ value }) => listMembers(value));
}

function keepsAlive(named: readonly string[], isOld: boolean): boolean {
  return isOld ? named.includes("keep-alive") : !named.includes("close");
}

/** RFC 9112 section 6.3. */
function frameBody(
  status: number,
  { method }: GatedRequest,
  framing: Framing | undefined | Refusal,
): Framing | Refusal {
  if (framing?.kind === "refused") return refuse(502, `the origin has sent ${framing.text}`);
  if (method === "HEAD" || status < 200 || status === 204 || status === 304) return NO_BODY;
  return framing ?? UNTIL_CLOSE;
}
