import type { Refusal } from "../refusal.ts";
import type { ParameterName } from "./parameters.ts";

/** One call, as the document tells of it. */
export interface Operation {
  readonly path: string;
  readonly method: "get" | "post" | "put" | "patch" | "delete";
  readonly id: string;
  readonly summary: string;
  readonly description?: string;
  /** The schema of the body. */
  readonly takes?: { readonly schema: string; readonly mayBeBlank?: boolean };
  /** What a success is: a schema of JSON, one text, lines of a format, server-sent events, or JSON of a format. */
  readonly gives:
    | { readonly schema: string }
    | { readonly text: string }
    | { readonly lines: string }
    | { readonly events: string }
    | { readonly json: string };
  /** Asks for a token where one is set. */
  readonly isGuarded: boolean;
  /** Its answers carry the policy's entity tag. */
  readonly isTagged?: boolean;
  /** May carry If-Match and dryRun. */
  readonly isChange: boolean;
  /** What else it may carry: names of the document's parameters. */
  readonly parameters?: readonly ParameterName[];
  readonly refusals: readonly Refusal["code"][];
  /** A refusal that is a text alone, whatever is asked for. */
  readonly textRefusal?: { readonly status: number; readonly meaning: string };
}

const CHANGE_REFUSALS = [
  "bad-request",
  "invalid-query",
  "unauthorized",
  "local-write",
  "body-timeout",
  "precondition-failed",
  "body-too-large",
  "apply-failed",
  "persist-failed",
  "internal-error",
  "too-many-bodies",
  "closed",
] as const;

const REPLACE = {
  takes: { schema: "Policy", mayBeBlank: true },
  gives: { schema: "PolicyChange" },
  isGuarded: true,
  isTagged: true,
  isChange: true,
  refusals: ["invalid-policy", "too-many-rules", ...CHANGE_REFUSALS],
} as const;

/** Every call that the API serves, beyond those that only ever refuse. */
export const OPERATIONS: readonly Operation[] = [
  {
    path: "/policy",
    method: "get",
    id: "getPolicy",
    summary: "Shows the user's policy",
    description: "In its own order and spelling. The operator's always-rules are never part of it.",
    gives: { schema: "PolicyState" },
    isGuarded: true,
    isTagged: true,
    isChange: false,
    refusals: ["unauthorized", "internal-error"],
  },
  {
    path: "/policy",
    method: "post",
    id: "postPolicy",
    summary: "Replaces the policy; a blank body resets it to deny-all",
    ...REPLACE,
  },
  {
    path: "/policy",
    method: "put",
    id: "replacePolicy",
    summary: "Replaces the policy; a blank body resets it to deny-all",
    ...REPLACE,
  },
  {
    path: "/policy",
    method: "patch",
    id: "patchRules",
    summary: "Merges rules into the policy, by target",
    description:
      "The rules come first, in their order, the first one of each target; then the policy's own rules whose target they do not name.",
    takes: { schema: "Rules" },
    gives: { schema: "PolicyChange" },
    isGuarded: true,
    isTagged: true,
    isChange: true,
    refusals: ["empty-body", "invalid-rules", "too-many-rules", ...CHANGE_REFUSALS],
  },
  {
    path: "/policy",
    method: "delete",
    id: "deleteRules",
    summary: "Removes the rules that have one of the targets",
    description:
      "Targets that no rule has are ignored; when none is found, nothing changes and `reason` says so.",
    takes: { schema: "Targets" },
    gives: { schema: "PolicyChange" },
    isGuarded: true,
    isTagged: true,
    isChange: true,
    refusals: ["empty-body", "invalid-targets", ...CHANGE_REFUSALS],
  },
  {
    path: "/explain",
    method: "get",
    id: "explainTarget",
    summary: "What becomes of a name or an address, and why",
    description:
      "By the code that enforces; no upstream is asked, and nothing is changed. With try=true a connection is opened, and reset at once, to up to four addresses that the kernel lets through. The rules of `patch` are for PATCH /policy.",
    gives: { schema: "Explanation" },
    isGuarded: true,
    isChange: false,
    parameters: ["explainTarget", "explainPort", "explainProtocol", "explainTry"],
    refusals: ["invalid-query", "unauthorized", "internal-error", "too-many-tries"],
  },
  {
    path: "/policy/suggest",
    method: "get",
    id: "suggestPolicy",
    summary: "The smallest policy that lets through what was seen",
    description:
      "Ready for PUT /policy. Names that were looked up and addresses that were tried without a name, allowed or not; what a rule denies is left out. The memory is bounded: OPENSANDBOX-EGRESS-CUT says how many are forgotten, if any.",
    gives: { schema: "Suggestion" },
    isGuarded: true,
    isChange: false,
    parameters: ["wildcards", "details"],
    refusals: ["invalid-query", "unauthorized", "internal-error"],
  },
  {
    path: "/audit",
    method: "get",
    id: "getAudit",
    summary: "Says whether audit mode is on",
    gives: { schema: "AuditState" },
    isGuarded: true,
    isChange: false,
    refusals: ["unauthorized", "internal-error"],
  },
  {
    path: "/audit",
    method: "put",
    id: "setAudit",
    summary: "Switches audit mode on or off",
    description:
      "In audit mode nothing is blocked but deny.always and the protections; what the policy would deny is told. Off, what the policy denies is cut. It ends with the sidecar.",
    takes: { schema: "AuditMode" },
    gives: { schema: "AuditState" },
    isGuarded: true,
    isChange: false,
    refusals: [
      "bad-request",
      "invalid-audit",
      "invalid-query",
      "unauthorized",
      "local-write",
      "body-timeout",
      "body-too-large",
      "apply-failed",
      "internal-error",
      "too-many-bodies",
      "closed",
    ],
  },
  {
    path: "/healthz",
    method: "get",
    id: "getHealth",
    summary: "Says whether the policy is enforced and the resolver answers",
    gives: { text: "ok" },
    isGuarded: false,
    isChange: false,
    refusals: [],
    textRefusal: { status: 503, meaning: "Not enforced, or not answering: the reason, in one line." },
  },
  {
    path: "/status",
    method: "get",
    id: "getStatus",
    summary: "Shows what is in force",
    description:
      "Policy layers, protections, upstreams, counts, and one page of the learned addresses. Their pages may be asked for one after the other " +
      "while they change: an address that is in force all the while comes at least once.",
    gives: { schema: "Status" },
    isGuarded: true,
    isChange: false,
    parameters: ["limit", "after"],
    refusals: ["invalid-query", "unauthorized", "internal-error"],
  },
  {
    path: "/decisions",
    method: "get",
    id: "getDecisions",
    summary: "Shows the last decisions, the newest first",
    description: "Lookups, and connections that were refused, as many of them as the kernel tells of.",
    gives: { schema: "Decisions" },
    isGuarded: true,
    isChange: false,
    parameters: ["decisionsLimit", "decisionsAfter", "decision", "name", "address", "kind"],
    refusals: ["invalid-query", "unauthorized", "internal-error"],
  },
  {
    path: "/events",
    method: "get",
    id: "followDecisions",
    summary: "Tells decisions as they are made",
    description:
      "Server-sent events. `decision`: its data is a Decision, its id the Decision's. `gap`: what came before it is not all there was; `missed` says how many decisions, " +
      "wanted or not, were too many, `restarted` that the id was of an earlier run. A comment comes when there was nothing else for 15 s.",
    gives: { events: "A stream without an end." },
    isGuarded: true,
    isChange: false,
    parameters: ["lastEventId", "decision", "name", "address", "kind"],
    refusals: ["bad-request", "invalid-query", "unauthorized", "internal-error"],
  },
  {
    path: "/metrics",
    method: "get",
    id: "getMetrics",
    summary: "Counts and gauges, in Prometheus's text format",
    gives: { lines: "Prometheus text" },
    isGuarded: true,
    isChange: false,
    refusals: ["unauthorized", "internal-error"],
  },
  {
    path: "/openapi.json",
    method: "get",
    id: "getDocument",
    summary: "This document",
    gives: { json: "OpenAPI 3.1" },
    isGuarded: false,
    isChange: false,
    refusals: [],
  },
];
