import type { Auth } from "./auth/auth.ts";
import type { Sender } from "./auth/sender.ts";
import type { ApiContext } from "./context.ts";
import { type BodyLimits, decodeBody, readBody } from "./http/body.ts";
import { release } from "./http/release.ts";
import { refuseDigest } from "./policy/change-headers.ts";
import type { Refusal } from "./refusal.ts";

export interface ProvedBodyParts {
  readonly auth: Auth;
  readonly bodyLimits: BodyLimits;
  readonly sender: Extract<Sender, { ok: true }>;
  readonly dryRun: boolean;
}

/** `isProved: false`: the caller is not told what holds. */
export type ProvedBody =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly refusal: Refusal; readonly isProved?: boolean };

/** The body of a change as text, once its signature and digest hold. Its octets are overwritten and freed. */
export async function readProvedBody(c: ApiContext, parts: ProvedBodyParts): Promise<ProvedBody> {
  const { auth, bodyLimits: limits, sender, dryRun } = parts;
  const { incoming, outgoing, door } = c.env;
  const isProved = sender.isProved || !sender.isSigned;
  const unprovedAt = sender.isProved ? undefined : door;
  const body = await readBody(incoming, outgoing, { limits, unprovedAt });
  if (!body.ok) return { ...body, isProved };
  try {
    const signatureRefusal = auth.refuseSignature(c, body.value, { dryRun });
    if (signatureRefusal !== undefined) return { ok: false, refusal: signatureRefusal, isProved: false };
    const digestRefusal = refuseDigest(incoming.headers, body.value);
    if (digestRefusal !== undefined) return { ok: false, refusal: digestRefusal, isProved };
    const text = decodeBody(body.value);
    return text.ok ? { ok: true, text: text.value } : text;
  } finally {
    body.value.fill(0);
    release(body.value);
  }
}
