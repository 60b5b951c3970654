/** What the calls take and give that tell of decisions. */
import type { Schemas } from "./schemas.ts";

export type Decision = Readonly<Schemas["Decision"]>;

/** A decision; or that some are missing: how many, undefined if the sidecar was started again. */
export type FollowedEvent =
  | { readonly kind: "decision"; readonly decision: Decision }
  | { readonly kind: "gap"; readonly missed: number | undefined };

/** The last decisions, the newest first. */
export type Decisions = Readonly<Schemas["Decisions"]>;

/** Which decisions are wanted: all that match each of these. */
export interface DecisionFilter {
  readonly decision?: readonly Schemas["Decision"]["decision"][];
  /** A name, or a wildcard for every name below one. */
  readonly name?: string;
  /** An address or a prefix. */
  readonly address?: string;
  readonly kind?: Schemas["Decision"]["kind"];
}

export interface DecisionsOptions extends DecisionFilter {
  readonly signal?: AbortSignal;
  /** How many: 0 to 1000; default: 100. */
  readonly limit?: number;
  /** `next` of the page before. */
  readonly after?: string;
}

export interface FollowDecisionsOptions extends DecisionFilter {
  readonly signal?: AbortSignal;
  /** The id of a decision, or `newest` of a page: what came since is sent first. Default: from now on. */
  readonly after?: string;
}

export interface DecisionCalls {
  getDecisions(options?: DecisionsOptions): Promise<Decisions>;
  /** Goes on over lost connections, until its reader or the signal ends it. */
  followDecisions(options?: FollowDecisionsOptions): AsyncGenerator<FollowedEvent>;
}
