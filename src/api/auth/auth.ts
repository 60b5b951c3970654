/**
 * Who may call the API, and who may change the policy by it: the only place that knows of tokens.
 *
 * A token, where one is set, is asked of every caller but those of the unix socket: its file mode, 0600 in
 * the sidecar's own file system, has let them in. A caller sends it, or proves by a signature that it knows
 * it. Without a token everyone may read, and everyone outside may write, as in the original; but the workload
 * shares our network namespace, so a change that comes from it is refused: the kernel says which do.
 *
 * Known limit: a workload with CAP_NET_RAW reads a token that is sent off its own wire. Signed calls are the
 * remedy: they can be read there, but neither altered nor sent again; and one that was held back is refused
 * as soon as a later one was made.
 */
import { createHash, timingSafeEqual } from "node:crypto";
import type { ApiContext } from "../context.ts";
import { SIGNATURE_HEADER, TOKEN_HEADER } from "../headers.ts";
import type { Refusal } from "../refusal.ts";
import { refuseForeignPage } from "./foreign-page.ts";
import { createSignatureCheck } from "./signature-check.ts";
import type { AuthParts, Sender } from "./sender.ts";
import { unauthorized } from "./unauthorized.ts";

export interface AuthSettings {
  /** Undefined: none is asked for. */
  readonly token: string | undefined;
  readonly allowLocalWrites: boolean;
  /** A change over the network has to be signed. Default: the token will do. */
  readonly signedWrites?: boolean;
}

/** Each gives the refusal of a caller, or undefined if it may go on. */
export interface Auth {
  /** Asked first, once, for a call whose body is not read: its token, or its signature, has to hold. */
  refuseCaller(c: ApiContext): Refusal | undefined;
  /** Asked first for a call whose body will be read: gives, too, what is known of its caller by then. */
  refuseSender(c: ApiContext): Sender;
  /** Asked after `refuseSender`, before the body is read. */
  refuseChange(c: ApiContext): Refusal | undefined;
  /**
   * Asked once, with the whole body, before anything is done by it: whether a signature holds. It holds once.
   */
  refuseSignature(c: ApiContext, body: Uint8Array, change: { readonly dryRun: boolean }): Refusal | undefined;
}

export function createAuth(settings: AuthSettings, { nowMs, startMs }: AuthParts): Auth {
  const { token, allowLocalWrites, signedWrites = false } = settings;
  if (token === undefined) {
    return {
      refuseCaller: (c) => refuseForeignPage(c.env.incoming),
      refuseSender: (c) => ({ ok: true, isProved: isOverUnixSocket(c), isSigned: false }),
      refuseChange: (c) =>
        c.env.door.kind === "inside" && !allowLocalWrites ? LOCAL_WRITE : refuseForeignPage(c.env.incoming),
      refuseSignature: () => undefined,
    };
  }
  const expected = digest(Buffer.from(token));
  const signatures = createSignatureCheck(token, { nowMs, startMs });
  const refuseToken = (c: ApiContext): Refusal | undefined => {
    const sent = readToken(c);
    return sent !== undefined && matches(expected, sent) ? undefined : UNAUTHORIZED;
  };
  return {
    refuseCaller(c) {
      if (isOverUnixSocket(c)) return refuseForeignPage(c.env.incoming);
      return isSigned(c) ? signatures.refuseRead(c) : refuseToken(c);
    },
    refuseSender(c) {
      if (isOverUnixSocket(c)) return { ok: true, isProved: true, isSigned: false };
      if (isSigned(c)) return signatures.refuseSender(c);
      const refusal = refuseToken(c);
      return refusal === undefined ? { ok: true, isProved: true, isSigned: false } : { ok: false, refusal };
    },
    refuseChange(c) {
      if (isOverUnixSocket(c)) return refuseForeignPage(c.env.incoming);
      return signedWrites && !isSigned(c) ? UNSIGNED : undefined;
    },
    refuseSignature: (c, body, change) =>
      isOverUnixSocket(c) || !isSigned(c) ? undefined : signatures.refuseChange(c, body, change),
  };
}

function isOverUnixSocket(c: ApiContext): boolean {
  return c.env.door.kind === "unix";
}

function isSigned(c: ApiContext): boolean {
  return c.env.incoming.headers[SIGNATURE_HEADER.toLowerCase()] !== undefined;
}

/**
 * As the SDKs send it, or as every HTTP client can (RFC 6750 section 2.1); the former counts where both are
 * sent.
 */
function readToken(c: ApiContext): string | undefined {
  const { [TOKEN_HEADER.toLowerCase()]: sent, authorization = "" } = c.env.incoming.headers;
  if (sent !== undefined) return typeof sent === "string" ? sent : undefined;
  return /^bearer +(.+)$/i.exec(authorization)?.[1];
}

const UNAUTHORIZED = unauthorized(
  `send the token as ${TOKEN_HEADER}, or as Authorization: Bearer; or sign the call (${SIGNATURE_HEADER})`,
);
const UNSIGNED = unauthorized(
  `OPENSANDBOX_EGRESS_SIGNED_WRITES is on, so a change has to be signed (${SIGNATURE_HEADER})`,
);

const LOCAL_WRITE: Refusal = {
  code: "local-write",
  message:
    "a process of the sandbox itself may not change its policy: set OPENSANDBOX_EGRESS_TOKEN and send it as OPENSANDBOX-EGRESS-AUTH, " +
    "or use the sidecar's unix socket, or set OPENSANDBOX_EGRESS_ALLOW_LOCAL_WRITES=true",
};

/**
 * Hashes have one length, so the comparison's time tells nothing. Node gives header octets as Latin-1, one
 * character each.
 */
function matches(expected: Buffer, sent: string): boolean {
  return timingSafeEqual(expected, digest(Buffer.from(sent, "latin1")));
}

function digest(octets: Buffer): Buffer {
  return createHash("sha256").update(octets).digest();
}
