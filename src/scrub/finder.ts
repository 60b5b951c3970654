/**
 * Finds what covers a secret in a stream of octets, however it is cut. What it tells depends on whole
 * spellings alone: who watches it learns nothing of one that has begun.
 */
import type { Steps } from "../policy/steps.ts";
import { LF } from "../relay/gate/octets.ts";
import { automatonSteps } from "./automaton.ts";
import { formSteps } from "./secret-forms.ts";

export interface Finder {
  /** The most octets that a spelling has; 0 if there is none. */
  readonly longest: number;
  /** The fewest; infinite if there is none. */
  readonly shortest: number;
  /**
   * Whether the end of a line (LF) may stand within a spelling: otherwise none lies across one. A soft line
   * break of quoted-printable, which is `=` and an end, is none of these.
   */
  readonly spansLines: boolean;
  open(): Finding;
}

export interface Finding {
  /**
   * Calls for each stretch that a spelling covers and that ends within these octets. Its start and end count
   * from the first octet that was read since `open`.
   */
  read(octets: Uint8Array, found: (start: number, end: number) => void): void;
}

/** A step is a spelling of a secret, or some ten microseconds. */
export function* finderSteps(secrets: readonly string[]): Steps<Finder> {
  const forms = new Map<string, Buffer>();
  let longest = 0;
  let shortest = Infinity;
  let spansLines = false;
  for (const secret of secrets) {
    for (const form of yield* formSteps(secret)) {
      forms.set(form.toString("latin1"), form);
      longest = Math.max(longest, form.length);
      shortest = Math.min(shortest, form.length);
      spansLines ||= form.includes(LF);
      yield;
    }
  }
  const automaton = yield* automatonSteps([...forms.values()]);
  return {
    longest,
    shortest,
    spansLines,
    open() {
      const cursor = { at: 0, state: automaton.root };
      let before = 0;
      return {
        read(octets, found) {
          cursor.at = 0;
          while (automaton.read(octets, cursor)) {
            const end = before + cursor.at;
            let isLongest = true;
            automaton.endings(cursor.state, (_pattern, length) => {
              if (isLongest) found(end - length, end);
              isLongest = false;
            });
          }
          before += octets.length;
        },
      };
    },
  };
}
