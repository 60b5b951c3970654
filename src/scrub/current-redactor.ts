import { type Redactor, redactBy } from "./redactor.ts";

/**
 * Takes out the secrets that were in force when an exchange began, and those that are by now. A stream may
 * last for hours, and show what a later request has brought there.
 */
export function createCurrentRedactor(first: Redactor, now: () => Redactor): Redactor {
  return redactBy(() => {
    const latest = now();
    return latest === first ? first.finders : [...first.finders, ...latest.finders];
  });
}
