import { quote } from "../../policy/problem.ts";
import type { Queries } from "../queries.ts";
import type { Refusal } from "../refusal.ts";

type ChangeQuery =
  | { readonly ok: true; readonly dryRun: boolean }
  | { readonly ok: false; readonly refusal: Refusal };

/**
 * Reads the query of a change: `dryRun`, given once or not at all, and nothing else. A parameter that is not
 * known may ask for less than the change that would be made without it: `?dryrun=true` does.
 */
export function readChangeQuery(queries: Queries): ChangeQuery {
  const { dryRun: values = ["false"], ...unknown } = queries;
  const [name] = Object.keys(unknown);
  if (name !== undefined) {
    return refuse(`${quote(name)}: a change has no such parameter, only dryRun; nothing was changed`);
  }
  const [value, ...more] = values;
  if (more.length > 0 || (value !== "true" && value !== "false")) {
    return refuse("dryRun: must be true or false, and given once");
  }
  return { ok: true, dryRun: value === "true" };
}

function refuse(message: string): ChangeQuery {
  return { ok: false, refusal: { code: "invalid-query", message } };
}
