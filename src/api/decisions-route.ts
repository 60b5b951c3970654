import { EVERYTHING } from "../decisions/decision-filter.ts";
import type { DecisionRing } from "../decisions/decision-ring.ts";
import {
  presentDecision,
  type PresentOptions,
  renderId,
  type ShownDecision,
} from "../decisions/present-decision.ts";
import type { Auth } from "./auth/auth.ts";
import type { ApiContext } from "./context.ts";
import { readQueries } from "./queries.ts";
import { type DecisionsQuery, readDecisionsQuery } from "./decisions-query.ts";
import { refuseWrite } from "./read-only.ts";
import { renderRefusal } from "./refusal.ts";

/** What has been decided, and how it is shown. */
export interface DecisionSources extends PresentOptions {
  readonly ring: DecisionRing;
}

/** `GET /decisions`: the last decisions, the newest first, for those who may read the policy. */
export function serveDecisions(c: ApiContext, auth: Auth, sources: DecisionSources): Response {
  const refusal = auth.refuseCaller(c) ?? refuseWrite(c);
  if (refusal !== undefined) return renderRefusal(c, refusal);
  const query = readDecisionsQuery(readQueries(c), sources.run);
  return query.ok ? c.json(listDecisions(sources, query.value)) : renderRefusal(c, query.refusal);
}

/**
 * `next` if there may be more: it is the `after` of the next page. `newest`: from here `GET /events`
 * continues without a gap.
 */
function listDecisions(sources: DecisionSources, { filter, limit, after }: DecisionsQuery): object {
  const { ring, run } = sources;
  const decisions: ShownDecision[] = [];
  let number = Math.min(ring.newest(), after === undefined ? ring.newest() : after - 1);
  for (; number >= ring.oldest() && decisions.length < limit; number -= 1) {
    if (filter === EVERYTHING || ring.matches(number, filter)) {
      decisions.push(presentDecision(ring.read(number), sources));
    }
  }
  const next = number >= ring.oldest() ? { next: renderId(run, number + 1) } : {};
  return { status: "ok", decisions, newest: renderId(run, ring.newest()), ...next };
}
