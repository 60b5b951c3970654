import { createHash } from "node:crypto";
import { type Field, listMembers } from "./field.ts";
import type { GatedRequest } from "./request.ts";

/** RFC 6455 section 1.3. */
const GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/**
 * Whether a 101 agrees to the WebSocket that the client asked for (RFC 6455 section 4.1). An origin that
 * takes the octets behind it for requests could not give such an answer. It may use no extension that was not
 * offered: it would compress frames that we have to read.
 */
export function isWebSocketAnswer(fields: readonly Field[], request: GatedRequest): boolean {
  const valuesOf = (key: string, of = fields): readonly string[] =>
    of.filter((field) => field.key === key).map(({ value }) => value);
  const [upgrade, ...more] = valuesOf("upgrade");
  const [key = ""] = valuesOf("sec-websocket-key", request.fields);
  const accepted = createHash("sha1")
    .update(key + GUID)
    .digest("base64");
  const offers = valuesOf("sec-websocket-extensions", request.fields).length > 0;
  return (
    request.webSocket &&
    upgrade?.toLowerCase() === "websocket" &&
    more.length === 0 &&
    valuesOf("connection").flatMap(listMembers).includes("upgrade") &&
    valuesOf("sec-websocket-accept").join() === accepted &&
    (offers || valuesOf("sec-websocket-extensions").length === 0)
  );
}
