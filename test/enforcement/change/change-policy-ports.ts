import type { PolicyChange } from "../../../src/audit/audit-log.ts";
import {
  type ChangePolicySettings,
  type PolicyChanges,
  createPolicyChanges,
} from "../../../src/enforcement/change/change-policy.ts";
import { createPolicyInForce } from "../../../src/enforcement/change/policy-in-force.ts";
import type { Health, PolicyCoupling } from "../../../src/enforcement/change/policy-control.ts";
import type { CompiledPolicy } from "../../../src/policy/compile.ts";
import { type Policy, DENY_ALL } from "../../../src/policy/policy.ts";

/** A kernel, a disk and an audit that remember, and fail on demand. */
export interface FakeWorld {
  readonly changes: PolicyChanges;
  /** Each policy that the kernel was given, in order. */
  readonly enforced: CompiledPolicy[];
  /** What the policy file holds, as its JSON; undefined while there is none. */
  stored(): string | undefined;
  /** `stage`, `enforce`, `commit`, `discard`, as they happened. */
  readonly steps: string[];
  readonly events: string[];
  /** Errors that the next calls of a step throw, one a call; `undefined` lets one pass. */
  readonly faults: Record<"stage" | "enforce" | "commit", (Error | undefined)[]>;
  /** For each change that reaches the disk, in order, the step that fails. */
  readonly faultPlan: ("stage" | "enforce" | "commit" | undefined)[];
  /** Set to hold the kernel until it settles. */
  hold: Promise<void> | undefined;
  health: Health;
}

export interface FakeWorldOptions extends Partial<ChangePolicySettings> {
  readonly policy?: Policy;
  readonly isStarted?: boolean;
  readonly coupling?: PolicyCoupling | undefined;
}

export async function createFakeWorld(options: FakeWorldOptions = {}): Promise<FakeWorld> {
  const { policy = DENY_ALL, isStarted = true, coupling, ...settings } = options;
  let stored: string | undefined;
  const world: Omit<FakeWorld, "changes"> = {
    enforced: [],
    steps: [],
    events: [],
    faults: { stage: [], enforce: [], commit: [] },
    faultPlan: [],
    hold: undefined,
    health: { ok: true },
    stored: () => stored,
  };
  let planned: "stage" | "enforce" | "commit" | undefined;
  const step = (name: "stage" | "enforce" | "commit"): void => {
    world.steps.push(name);
    if (name === "stage") planned = world.faultPlan.shift();
    if (name === planned) {
      planned = undefined;
      throw new Error(`planned fault at ${name}`);
    }
    const fault = world.faults[name].shift();
    if (fault !== undefined) throw fault;
  };
  const changes = createPolicyChanges(
    {
      inForce: createPolicyInForce(),
      coupling,
      kernel: {
        async enforce(compiled) {
          await world.hold;
          step("enforce");
          world.enforced.push(compiled);
        },
      },
      storage: {
        async stage({ octets }) {
          step("stage");
          return {
            async commit() {
              step("commit");
              stored = Buffer.concat(octets).toString();
            },
            async discard() {
              world.steps.push("discard");
            },
          };
        },
      },
      audit: {
        policyLoaded: (_policy, from) => world.events.push(`egress.loaded ${from}`),
        policyUpdated: (change: PolicyChange) => world.events.push(`egress.updated ${change.kind}`),
        policyUpdateFailed: (error) => world.events.push(`egress.update_failed ${error}`),
        auditModeChanged: (isOn) => world.events.push(`egress.audit_mode ${isOn}`),
      },
      checkHealth: async () => world.health,
    },
    { enforcementMode: "dns+nft", maxRules: 0, ...settings },
  );
  if (isStarted) await changes.start(policy, { denyAlways: [], allowAlways: [] }, "default");
  world.steps.length = 0;
  world.events.length = 0;
  return Object.assign(world, { changes });
}
