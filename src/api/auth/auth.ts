/**
 * Who may call the API, and who may change the policy by it: the only place that knows of tokens.
 *
 * A token, where one is set, is asked of every caller but those of the unix socket: its file mode, 0600 in the sidecar's own
 * file system, has let them in. A caller sends it, or proves by a signature that it knows it. Without a token everyone may read, and
 * everyone outside may write, as in the original; but the workload shares our network namespace, so a change that comes from
 * an address of it is refused.
 *
 * Known limit: a workload with CAP_NET_RAW reads a token that is sent off its own wire. Signed calls are the remedy: they can be
 * read there, but neither altered nor sent again.
 */
import { createHash, timingSafeEqual } from "node:crypto";
import type { ApiContext } from "../context.ts";
import { SIGNATURE_HEADER, TOKEN_HEADER } from "../headers.ts";
import type { IsLocalAddress } from "./local-peer.ts";
import type { Refusal } from "../refusal.ts";
import { SIGNATURE_LIFE_MS, createSeenNonces } from "./seen-nonces.ts";
import { type Signature, isSignatureOf, parseSignature } from "./signature.ts";

export interface AuthSettings {
  /** Undefined: none is asked for. */
  readonly token: string | undefined;
  readonly allowLocalWrites: boolean;
  /** A change over the network has to be signed. Default: the token will do. */
  readonly signedWrites?: boolean;
}

/** Each gives the refusal of a caller, or undefined where it may go on. */
export interface Auth {
  /** Asked first, once, for a call whose body is not read: its token, or its signature, has to hold. */
  refuseCaller(c: ApiContext): Refusal | undefined;
  /** Asked first for a call whose body will be read. A signature is only looked at: `refuseSignature` has to follow. */
  refuseSender(c: ApiContext): Refusal | undefined;
  /** Asked after `refuseSender`, before the body is read. */
  refuseChange(c: ApiContext): Refusal | undefined;
  /** The call carries a signature that `refuseSignature` has to prove. */
  isSigned(c: ApiContext): boolean;
  /** Asked once, with the whole body, before anything is done by it: whether a signature holds. It holds once. */
  refuseSignature(c: ApiContext, body: Uint8Array): Refusal | undefined;
}

export interface AuthParts {
  readonly isLocal: IsLocalAddress;
  readonly nowMs: () => number;
  /** When the process began to take calls, by the same clock. */
  readonly startMs: number;
}

export function createAuth(settings: AuthSettings, { isLocal, nowMs, startMs }: AuthParts): Auth {
  const { token, allowLocalWrites, signedWrites = false } = settings;
  if (token === undefined) {
    return {
      refuseCaller: () => undefined,
      refuseSender: () => undefined,
      isSigned: () => false,
      refuseChange: (c) => (allowLocalWrites ? undefined : refuseLocal(c, isLocal)),
      refuseSignature: () => undefined,
    };
  }
  const expected = digest(Buffer.from(token));
  const nonces = createSeenNonces();
  const auth: Omit<Auth, "refuseCaller"> = {
    refuseSender(c) {
      if (c.env.overUnixSocket) return undefined;
      const signature = readSignature(c);
      if (signature !== undefined) return refuseTime(signature, nowMs(), startMs);
      const sent = readToken(c);
      return sent !== undefined && matches(expected, sent) ? undefined : UNAUTHORIZED;
    },
    refuseChange(c) {
      if (!signedWrites || c.env.overUnixSocket || readSignature(c) !== undefined) return undefined;
      return UNSIGNED;
    },
    isSigned: (c) => !c.env.overUnixSocket && readSignature(c) !== undefined,
    refuseSignature(c, body) {
      const signature = c.env.overUnixSocket ? undefined : readSignature(c);
      if (signature === undefined) return undefined;
      if (signature === "unreadable") return UNREADABLE;
      const { method = "", url: pathAndQuery = "" } = c.env.incoming;
      if (!isSignatureOf(token, { method, pathAndQuery, body }, signature)) return WRONG_SIGNATURE;
      return nonces.take(signature.nonce, signature.timeMs, nowMs()) ? undefined : USED_NONCE;
    },
  };
  return { ...auth, refuseCaller: (c) => auth.refuseSender(c) ?? auth.refuseSignature(c, NO_BODY) };
}

const NO_BODY = new Uint8Array();

function refuseLocal(c: ApiContext, isLocal: IsLocalAddress): Refusal | undefined {
  if (c.env.overUnixSocket) return undefined;
  const { remoteAddress, localAddress } = c.env.incoming.socket;
  return remoteAddress === localAddress || isLocal(remoteAddress) ? LOCAL_WRITE : undefined;
}

/** As the SDKs send it, or as every HTTP client can (RFC 6750 section 2.1); the former counts where both are sent. */
function readToken(c: ApiContext): string | undefined {
  const { [TOKEN_HEADER.toLowerCase()]: sent, authorization = "" } = c.env.incoming.headers;
  if (sent !== undefined) return typeof sent === "string" ? sent : undefined;
  return /^bearer +(.+)$/i.exec(authorization)?.[1];
}

function readSignature(c: ApiContext): Signature | "unreadable" | undefined {
  const sent = c.env.incoming.headers[SIGNATURE_HEADER.toLowerCase()];
  if (sent === undefined) return undefined;
  return (typeof sent === "string" ? parseSignature(sent) : undefined) ?? "unreadable";
}

/** A nonce is remembered as long as we run, so what was signed before we started may have been sent to the one before us. */
function refuseTime(
  signature: Signature | "unreadable",
  nowMs: number,
  startMs: number,
): Refusal | undefined {
  if (signature === "unreadable") return UNREADABLE;
  const { timeMs } = signature;
  if (Math.abs(nowMs - timeMs) > SIGNATURE_LIFE_MS) return unauthorized(OUT_OF_TIME);
  return timeMs < startMs
    ? unauthorized("it was signed before the sidecar started: sign it again")
    : undefined;
}

const OUT_OF_TIME = `the signature's time is more than ${SIGNATURE_LIFE_MS / 1000} s from ours: sign it again, and check the clocks`;

function unauthorized(reason: string): Refusal {
  const headers = { "WWW-Authenticate": "Bearer" };
  return { code: "unauthorized", message: `unauthorized: ${reason}`, headers };
}

const UNAUTHORIZED = unauthorized(
  `send the token as ${TOKEN_HEADER}, or as Authorization: Bearer; or sign the call (${SIGNATURE_HEADER})`,
);
const UNREADABLE = unauthorized(`${SIGNATURE_HEADER} is not t=UNIX_MS,n=NONCE,v1=HEX`);
const WRONG_SIGNATURE = unauthorized("the signature is not this call's");
const USED_NONCE = unauthorized("the signature was used before: sign each call anew");
const UNSIGNED = unauthorized(
  `OPENSANDBOX_EGRESS_SIGNED_WRITES is on, so a change has to be signed (${SIGNATURE_HEADER})`,
);

const LOCAL_WRITE: Refusal = {
  code: "local-write",
  message:
    "a process of the sandbox itself may not change its policy: set OPENSANDBOX_EGRESS_TOKEN and send it as OPENSANDBOX-EGRESS-AUTH, " +
    "or use the sidecar's unix socket, or set OPENSANDBOX_EGRESS_ALLOW_LOCAL_WRITES=true",
};

/** Hashes have one length, so the comparison's time tells nothing. Node gives header octets as Latin-1, one character each. */
function matches(expected: Buffer, sent: string): boolean {
  return timingSafeEqual(expected, digest(Buffer.from(sent, "latin1")));
}

function digest(octets: Buffer): Buffer {
  return createHash("sha256").update(octets).digest();
}
