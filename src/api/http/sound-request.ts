import type { IncomingMessage } from "node:http";

/**
 * Why a request that Node's parser accepts is refused; undefined if it is not. Each such request asks for
 * something that would be dropped in silence, or has two readings: a proxy before us may have taken the other
 * one.
 */
export function findFault({
  httpVersion,
  url = "",
  headers,
  rawHeaders,
}: IncomingMessage): string | undefined {
  if (httpVersion !== "1.1" && httpVersion !== "1.0") return "only HTTP/1.1 and HTTP/1.0 are served";
  if (headers.host === undefined && httpVersion === "1.1") return "the Host header is missing";
  if (countHosts(rawHeaders) > 1) return "there is more than one Host header";
  if (url.includes("#")) return "the request's target holds a fragment (#), which no server is sent";
  const encoding = headers["transfer-encoding"];
  if (encoding === undefined) return undefined;
  if (httpVersion === "1.0") return "Transfer-Encoding: HTTP/1.0 has none";
  // RFC 9112 section 6.1
  return encoding.trim().toLowerCase() === "chunked"
    ? undefined
    : "Transfer-Encoding: must be chunked, no more";
}

/** `headers` has the first one only. */
function countHosts(rawHeaders: readonly string[]): number {
  return rawHeaders.filter((text, at) => at % 2 === 0 && text.toLowerCase() === "host").length;
}
