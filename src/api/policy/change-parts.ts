import type { PolicyControl } from "../../enforcement/change/policy-control.ts";
import type { TakeSteps } from "../../policy/steps.ts";

/** What a change is made with. */
export interface ChangeParts {
  readonly control: PolicyControl;
  /** Reads bodies, which may have thousands of rules. */
  readonly takeSteps: TakeSteps;
}
