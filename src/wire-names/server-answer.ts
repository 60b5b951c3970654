/**
 * What a server of TLS answers first, as far as it matters: whether it asks for another hello.
 *
 *     record              type:1 version:2 length:2 fragment                  20 change_cipher_spec, 21 alert, 22 handshake; RFC 8446 section 5.1
 *     handshake           type:1 length:3 body                                0 hello_request, 2 server_hello; section 4
 *     HelloRetryRequest   a ServerHello, version:2 random:32 ..., whose random octets say so; section 4.1.3
 */
import { RECORD_HEADER } from "./handshake-records.ts";

/** `accepts`: what follows has nothing to do with names. */
export type ServerAnswer = "incomplete" | "retry" | "accepts";

const [CHANGE_CIPHER_SPEC, ALERT, HANDSHAKE] = [20, 21, 22];
const [HELLO_REQUEST, SERVER_HELLO] = [0, 2];
const [HANDSHAKE_HEADER, VERSION, RANDOM] = [4, 2, 32];
const RETRY = Buffer.from("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c", "hex");
/** A ServerHello is the first of a server's records, except for alerts: more octets than this are none. */
export const MAX_ANSWER = 1024;

/** Reads all that a server has sent since it had the hello. */
export function readServerAnswer(stream: Buffer): ServerAnswer {
  let message = Buffer.alloc(0);
  for (let at = 0; at < stream.length;) {
    const type = stream[at];
    if (type !== HANDSHAKE && type !== ALERT && type !== CHANGE_CIPHER_SPEC) return "accepts";
    if (at + RECORD_HEADER > stream.length) return "incomplete";
    const end = at + RECORD_HEADER + stream.readUInt16BE(at + 3);
    if (type === HANDSHAKE) message = Buffer.concat([message, stream.subarray(at + RECORD_HEADER, end)]);
    at = end;
  }
  return readMessage(message);
}

function readMessage(message: Buffer): ServerAnswer {
  if (message.length === 0) return "incomplete";
  if (message[0] === HELLO_REQUEST) {
    return message.length < HANDSHAKE_HEADER ? "incomplete" : readMessage(message.subarray(HANDSHAKE_HEADER));
  }
  if (message[0] !== SERVER_HELLO) return "accepts";
  const from = HANDSHAKE_HEADER + VERSION;
  if (message.length < from + RANDOM) return "incomplete";
  return RETRY.equals(message.subarray(from, from + RANDOM)) ? "retry" : "accepts";
}
