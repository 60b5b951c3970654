/** Of one request: which rule decides it, where its host's requests are read. */
import { isAmbiguousPath, otherReadings } from "../../policy/ambiguous-path.ts";
import { withoutAudit } from "../../policy/compile-audit.ts";
import type { CompiledPolicy } from "../../policy/compile.ts";
import { createRequestJudges } from "../../policy/decide-request.ts";
import type { Decision } from "../../policy/decision.ts";
import type { DomainName } from "../../policy/domain-name.ts";

/** As `GET /explain` asks for it; the path without its query. */
export interface AskedRequest {
  readonly method: string;
  readonly path: string;
}

/** `unruled`: no rule speaks of requests to the host, so that it passes as the connection does. */
export type ExplainedRequest = AskedRequest &
  (
    | { readonly kind: "decided"; readonly decision: Decision }
    | { readonly kind: "ambiguous" }
    | { readonly kind: "unruled" }
  );

export function explainRequest(
  policy: CompiledPolicy,
  host: DomainName,
  port: number,
  request: AskedRequest,
): ExplainedRequest {
  const { requests } = withoutAudit(policy);
  const judge = requests && createRequestJudges(requests).find(host, port);
  if (judge === undefined) return { ...request, kind: "unruled" };
  const { method, path } = request;
  if (isAmbiguousPath(path)) return { ...request, kind: "ambiguous" };
  const decisions = [method, method.toUpperCase()].flatMap((spelled) =>
    [path, ...otherReadings(path)].map((reading) => judge.decide({ method: spelled, path: reading })),
  );
  const [first] = decisions;
  const decision = decisions.find(({ action }) => action === "deny") ?? first;
  if (decision === undefined) throw new TypeError("a request has at least one reading");
  return { ...request, kind: "decided", decision };
}
