import type { Fill, RedactedStream, Redactor } from "./redactor.ts";

/**
 * Takes out the secrets that were in force when an exchange began, and those that are by now. A stream may
 * last for hours, and show what a later request has brought there.
 */
export function createCurrentRedactor(first: Redactor, now: () => Redactor): Redactor {
  const both = (): readonly Redactor[] => {
    const latest = now();
    return latest === first ? [first] : [first, latest];
  };
  return {
    holds: (text) => both().some((one) => one.holds(text)),
    redact: (value) => both().reduce((text, one) => one.redact(text), value),
    openStream: (fill = "word") => openBoth(first, now, fill),
  };
}

function openBoth(first: Redactor, now: () => Redactor, fill: Fill): RedactedStream {
  const stream = first.openStream(fill);
  let latest = first;
  /** Behind the other one. */
  let second: RedactedStream | undefined;
  return {
    push(chunk) {
      const octets = stream.push(chunk);
      const next = now();
      if (next === latest) return second?.push(octets) ?? octets;
      const held = second?.end();
      latest = next;
      second = next === first ? undefined : next.openStream(fill);
      const all = held === undefined || held.length === 0 ? octets : Buffer.concat([held, octets]);
      return second?.push(all) ?? all;
    },
    end() {
      const left = stream.end();
      return second === undefined ? left : Buffer.concat([second.push(left), second.end()]);
    },
  };
}
