import { compilePolicy } from "../policy/compile.ts";
import { decideName } from "../policy/decide-name.ts";
import type { DomainName } from "../policy/domain-name.ts";
import type { Target } from "../policy/target.ts";

/** Whether a name is one of these, or below a wildcard of them: asked like a policy that allows them. */
export function compileSkipList(targets: readonly Target[]): (host: DomainName) => boolean {
  if (targets.length === 0) return () => false;
  const egress = targets.map((target) => ({ action: "allow" as const, target }));
  const compiled = compilePolicy({
    denyAlways: [],
    allowAlways: [],
    user: { defaultAction: "deny", egress },
  });
  return (host) => decideName(compiled, host).action === "allow";
}
