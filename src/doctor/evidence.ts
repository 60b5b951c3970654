/**
 * How an attempt ended, what was seen of it, and what follows from both. Pure: the whole judgement of the
 * doctor is here.
 *
 * A refusal alone says little: it may have come back from outside. What leaves is seen by a packet socket (it
 * sees frames behind the egress hook) or, without the right to have one, told by the interfaces' counters.
 * The kernel's own word is enough if no answer from outside can reach the call: a packet that a hook drops
 * makes sendto(2) fail with EPERM, a frame with ENOBUFS.
 */
import type { Finding } from "./finding.ts";

export type Ending =
  /** The kernel took it without a word. */
  | { readonly kind: "sent" }
  | { readonly kind: "connected" }
  /** Nothing came back in time. */
  | { readonly kind: "silent" }
  | { readonly kind: "answered"; readonly by: "the sidecar" | "another resolver" }
  /** `code` is errno's name. */
  | { readonly kind: "refused"; readonly code: string }
  /** It could not be tried. */
  | { readonly kind: "impossible"; readonly reason: string };

export interface Trace {
  /** The interface that it left by, false if nothing left, `undefined` if nobody could watch. */
  readonly seen: string | false | undefined;
  /** Whether the interfaces sent as many packets as were tried; `unclear` where others send as many. */
  readonly counted?: "fewer" | "as many" | "unclear";
}

export type Verdict = Pick<Finding, "outcome" | "detail">;
export type Judge = (ending: Ending, trace: Trace) => Verdict;

const NOBODY_WATCHED = "without CAP_NET_RAW nothing shows whether it left";

/** For what the kernel refuses in the call itself: datagrams, packets, frames. */
export const judgeSend: Judge = (ending, { seen }) => {
  if (typeof seen === "string") return open(`it left by ${seen}`);
  if (ending.kind === "sent") return open("the kernel let it go");
  return ending.kind === "refused" ? held("refused") : untried(reasonOf(ending));
};

/** For connections, which somebody outside may refuse, too. */
export const judgeConnect: Judge = (ending, trace) => {
  if (typeof trace.seen === "string") return open(`it left by ${trace.seen}`);
  if (ending.kind === "connected") return open("connected");
  if (ending.kind === "silent") return open("it was not refused");
  if (ending.kind !== "refused") return untried(reasonOf(ending));
  return judgeRefusal(trace);
};

/** For lookups of a name that the policy denies. */
export const judgeLookup: Judge = (ending, trace) => {
  if (typeof trace.seen === "string") return open(`the question left by ${trace.seen}`);
  if (ending.kind === "answered") {
    return ending.by === "the sidecar"
      ? held("the sidecar denied it")
      : open("answered, and not by the sidecar's denial");
  }
  if (ending.kind === "impossible") return untried(ending.reason);
  const refusal = judgeRefusal(trace);
  // A question that waits for a neighbour's address has passed the rules, and has not left yet.
  return ending.kind === "silent" && refusal.outcome === "held"
    ? untried("no answer, and nothing left")
    : refusal;
};

/** For questions that may be answered in many ways, so that only a look at the wire tells. */
export const judgeOddLookup: Judge = (ending, { seen }) => {
  if (typeof seen === "string") return open(`the question left by ${seen}`);
  if (ending.kind === "impossible") return untried(ending.reason);
  if (seen === undefined) return untried(NOBODY_WATCHED);
  return ending.kind === "silent" ? untried("no answer, and nothing left") : held("answered here");
};

/**
 * For names that are shown on a connection that is there. Its end alone may be the far end's doing; only the
 * kernel here ends a socket with ECONNABORTED.
 */
export const judgeShownName: Judge = (ending, { seen }) => {
  if (typeof seen === "string") return open(`the name left by ${seen}`);
  if (ending.kind === "connected") return open("the far end answered");
  if (ending.kind === "impossible") return untried(ending.reason);
  if (seen === false) return held("refused");
  return ending.kind === "refused" && ending.code === "ECONNABORTED"
    ? held("refused")
    : untried(NOBODY_WATCHED);
};

function judgeRefusal({ seen, counted }: Trace): Verdict {
  if (seen === false || counted === "fewer") return held("refused");
  if (counted === "as many") return open("as many packets left as were tried");
  return untried(counted === "unclear" ? "other traffic hides whether it left" : NOBODY_WATCHED);
}

function reasonOf(ending: Ending): string {
  return ending.kind === "impossible" ? ending.reason : `ended unexpectedly: ${ending.kind}`;
}

export function held(detail: string): Verdict {
  return { outcome: "held", detail };
}

export function open(detail: string): Verdict {
  return { outcome: "open", detail };
}

export function untried(detail: string): Verdict {
  return { outcome: "untried", detail };
}

/** Calls that prepare an attempt: their failure is none of a rule. */
const PREPARING: ReadonlySet<string> = new Set(["socket", "setsockopt", "getsockopt", "if_nametoindex"]);
const REFUSALS: ReadonlySet<string> = new Set(["EPERM", "EACCES", "ECONNREFUSED", "ENOBUFS"]);
const REASONS: Readonly<Record<string, string>> = {
  ENETUNREACH: "no route",
  EADDRNOTAVAIL: "no address",
  ENETDOWN: "the interface is down",
  ENXIO: "the interface is down",
  ENODEV: "the interface is gone",
  EAFNOSUPPORT: "this kernel has none",
  EPROTONOSUPPORT: "this kernel has none",
  ESOCKTNOSUPPORT: "this kernel has none",
  ENOPROTOOPT: "this kernel has none",
  EOPNOTSUPP: "the interface has none",
};

/** What the failure of a system call says about the attempt that it ended. */
export function endingOf(syscall: string, code: string): Ending {
  if (PREPARING.has(syscall)) {
    const mayNot = code === "EPERM" || code === "EACCES";
    return {
      kind: "impossible",
      reason: mayNot ? "this process may not" : (REASONS[code] ?? `${syscall}: ${code}`),
    };
  }
  if (REFUSALS.has(code)) return { kind: "refused", code };
  return { kind: "impossible", reason: REASONS[code] ?? `${syscall}: ${code}` };
}
