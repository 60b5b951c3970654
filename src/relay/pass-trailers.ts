/** Trailers that go on: by their names, and without what an exchange's change does not let pass. */
import type { Admission } from "./admit.ts";
import type { Field } from "./gate/field.ts";
import type { Refusal } from "./gate/refusal.ts";
import { passableTrailers } from "./gate/trailers.ts";

/** Of the request. After a refusal nothing more of it may go on. */
export function trailersOut(
  { injected, change }: Admission,
  trailers: readonly Field[],
): readonly Field[] | Refusal {
  const passed = passableTrailers(trailers, injected);
  return (passed.length === 0 ? undefined : change?.requestTrailers(passed)) ?? passed;
}

/** Of the response. */
export function trailersBack({ injected, change }: Admission, trailers: readonly Field[]): readonly Field[] {
  const passed = passableTrailers(trailers, injected);
  return change?.responseTrailers(passed) ?? passed;
}
