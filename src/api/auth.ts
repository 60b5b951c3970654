/**
 * Who may call the API, and who may change the policy by it: the only place that knows of tokens.
 *
 * A token, where one is set, is asked of every caller but those of the unix socket: its file mode, 0600 in the sidecar's own
 * file system, has let them in. Without a token everyone may read, and everyone outside may write, as in the original; but the
 * workload shares our network namespace, so a change that comes from an address of it is refused.
 *
 * Known limit: a workload with CAP_NET_RAW reads a token off its own wire.
 */
import { createHash, timingSafeEqual } from "node:crypto";
import type { ApiContext } from "./context.ts";
import type { IsLocalAddress } from "./local-peer.ts";
import type { Refusal } from "./refusal.ts";

export const TOKEN_HEADER = "OPENSANDBOX-EGRESS-AUTH";

export interface AuthSettings {
  /** Undefined: none is asked for. */
  readonly token: string | undefined;
  readonly allowLocalWrites: boolean;
}

/** Each gives the refusal of a caller, or undefined where it may go on. */
export interface Auth {
  refuseCaller(c: ApiContext): Refusal | undefined;
  /** Asked after `refuseCaller`, before the body is read. */
  refuseChange(c: ApiContext): Refusal | undefined;
}

export function createAuth(settings: AuthSettings, isLocal: IsLocalAddress): Auth {
  const expected = settings.token === undefined ? undefined : digest(Buffer.from(settings.token));
  return {
    refuseCaller(c) {
      if (expected === undefined || c.env.overUnixSocket) return undefined;
      const sent = c.env.incoming.headers[TOKEN_HEADER.toLowerCase()];
      return typeof sent === "string" && matches(expected, sent) ? undefined : UNAUTHORIZED;
    },
    refuseChange(c) {
      if (expected !== undefined || c.env.overUnixSocket || settings.allowLocalWrites) return undefined;
      const { remoteAddress, localAddress } = c.env.incoming.socket;
      return remoteAddress === localAddress || isLocal(remoteAddress) ? LOCAL_WRITE : undefined;
    },
  };
}

const UNAUTHORIZED: Refusal = { code: "unauthorized", message: "unauthorized" };

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
