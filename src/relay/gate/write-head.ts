import type { Field } from "./field.ts";
import type { Framing } from "./framing.ts";
import { type Refusal, renderRefusalBody } from "./refusal.ts";
import type { GatedRequest } from "./request.ts";
import type { GatedResponse } from "./response.ts";

/** What of a request's head is not its own: the names that were verified. */
export interface RequestFrame {
  /** `Host`, from the flow's verified name. */
  readonly host: string;
  readonly framing: Framing;
}

/** Latin1 text: head and empty line. */
export function writeRequestHead(request: GatedRequest, { host, framing }: RequestFrame): string {
  let text = `${request.method} ${request.target} HTTP/1.1\r\nHost: ${host}\r\n`;
  text += writeFields(request.fields) + writeFraming(framing);
  if (request.expectsContinue) text += "Expect: 100-continue\r\n";
  if (request.webSocket) return `${text}Upgrade: websocket\r\nConnection: Upgrade\r\n\r\n`;
  if (request.takesTrailers)
    return `${text}TE: trailers\r\nConnection: ${request.keepsAlive ? "TE" : "close, TE"}\r\n\r\n`;
  return request.keepsAlive ? `${text}\r\n` : `${text}Connection: close\r\n\r\n`;
}

export interface ResponseFrame {
  readonly framing: Framing;
  /** The client's connection ends behind this response. */
  readonly closes: boolean;
}

export function writeResponseHead(response: GatedResponse, { framing, closes }: ResponseFrame): string {
  let text = `HTTP/1.1 ${response.status} ${response.reason}\r\n`;
  text += writeFields(response.fields) + writeFraming(framing);
  if (response.status === 101) return `${text}Upgrade: websocket\r\nConnection: Upgrade\r\n\r\n`;
  if (response.toldLength !== undefined) text += `Content-Length: ${response.toldLength}\r\n`;
  return closes && response.status >= 200 ? `${text}Connection: close\r\n\r\n` : `${text}\r\n`;
}

/** An answer of our own, which ends the connection. */
export function writeAnswer(refusal: Refusal, isHead: boolean): string {
  const { status } = refusal;
  const { type, text } = renderRefusalBody(refusal);
  const body = Buffer.from(text, "utf8").toString("latin1");
  const head = `HTTP/1.1 ${status} ${REASONS[status] ?? "Refused"}\r\nContent-Type: ${type}\r\n`;
  return `${head}Content-Length: ${body.length}\r\nConnection: close\r\n\r\n${isHead ? "" : body}`;
}

const REASONS: Readonly<Record<number, string>> = {
  400: "Bad Request",
  403: "Forbidden",
  405: "Method Not Allowed",
  417: "Expectation Failed",
  421: "Misdirected Request",
  431: "Request Header Fields Too Large",
  501: "Not Implemented",
  502: "Bad Gateway",
  503: "Service Unavailable",
  505: "HTTP Version Not Supported",
};

export function writeFields(fields: readonly Field[]): string {
  let text = "";
  for (const { name, value } of fields) text += `${name}: ${value}\r\n`;
  return text;
}

function writeFraming(framing: Framing): string {
  if (framing.kind === "length") return `Content-Length: ${framing.octets}\r\n`;
  return framing.kind === "chunked" ? "Transfer-Encoding: chunked\r\n" : "";
}
