import { VARIABLES } from "../config/variables.ts";
import { describeTooManyElements, exceedsElements } from "../netfilter/ranges/element-limit.ts";
import { compileSteps } from "../policy/compile.ts";
import type { Problem } from "../policy/problem.ts";
import { runInSlices } from "../sys/in-slices.ts";
import type { Surroundings } from "./read-surroundings.ts";

/** Of a first policy that makes too many elements of addresses with ports: which rule makes most of them. */
export async function findTooManyElements({
  policy: user,
  from,
}: Surroundings["first"]): Promise<readonly Problem[]> {
  if (user.egress.every(({ scope }) => scope === undefined)) return [];
  const compiled = await runInSlices(compileSteps({ denyAlways: [], allowAlways: [], user }));
  if (!(await runInSlices(exceedsElements(compiled)))) return [];
  const { path, message } = describeTooManyElements(user);
  const place = from === "policy file" ? from : VARIABLES.rules.name;
  return [{ path: `${place}: ${path}`, message }];
}
