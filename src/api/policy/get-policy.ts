import type { PolicyControl } from "../../enforcement/change/policy-control.ts";
import { renderPolicy } from "../../policy/policy.ts";
import { type Reply, describeState } from "./reply.ts";

/** `GET /policy`: the user's policy in its own order and spelling, never the operator's always-rules. */
export function getPolicy(control: PolicyControl): Reply {
  const state = control.snapshot();
  return {
    ok: true,
    body: { ...describeState(state), policy: renderPolicy(state.policy) },
    etag: state.etag,
  };
}
