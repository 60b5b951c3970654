import { isHopByHop } from "./connection-fields.ts";
import type { Field } from "./field.ts";
import { isOverride } from "./overrides.ts";

/**
 * What a trailer may never set: framing, routing, the caller's identity, the kind of content (RFC 9110
 * section 6.5.1). Nor may it say which request this is.
 */
const NEVER: ReadonlySet<string> = new Set([
  "host",
  "content-length",
  "authorization",
  "cookie",
  "set-cookie",
  "expect",
  "age",
  "cache-control",
  "content-encoding",
  "content-type",
  "content-range",
  "location",
  "range",
]);

/** The trailers that go on: none that frames or routes, and none with a name in `injected` (folded names). */
export function passableTrailers(
  trailers: readonly Field[],
  injected: ReadonlySet<string>,
): readonly Field[] {
  return trailers.filter(
    ({ key }) => !NEVER.has(key) && !isOverride(key) && !isHopByHop(key) && !injected.has(key),
  );
}
