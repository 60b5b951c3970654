/**
 * Finds what covers a secret in a stream of octets, however it is cut: each form of it as it is, its texts
 * with any of their characters written as escapes of one family, and its digits in lines. What it tells
 * depends on whole spellings alone: who watches it learns nothing of one that has begun.
 */
import type { Steps } from "../policy/steps.ts";
import { LF } from "../relay/gate/octets.ts";
import { automatonSteps } from "./automaton.ts";
import { isBreak } from "./digit-lines.ts";
import {
  createEscapedSearch,
  type EscapedSearch,
  type EscapedTexts,
  findEscape,
  searchEscaped,
} from "./escaped-search.ts";
import { PERCENT, QUOTED_PRINTABLE } from "./escapes/octet-escapes.ts";
import { REFERENCES } from "./escapes/references.ts";
import { STRING } from "./escapes/string-escapes.ts";
import { type FormKind, formSteps, isOfDigits, type SecretForm, SHORTEST_SPELLING } from "./secret-forms.ts";
import { createStreamTail } from "./stream-tail.ts";
import {
  createWrappedSearch,
  searchWrapped,
  wrappedReach,
  type WrappedSearch,
  type WrappedTexts,
} from "./wrapped-search.ts";

const FAMILIES = [PERCENT, STRING, REFERENCES, QUOTED_PRINTABLE] as const;

/**
 * So many octets a spelling with escapes has for each of the text's, on average. A longer one is not found:
 * of numbers with many zeros before them, or of soft line breaks that follow on each other.
 */
const MOST_FOR_AN_OCTET = 8;

export interface Finder {
  /** The most octets that a spelling has; 0 if there is none. */
  readonly longest: number;
  /** The fewest; infinite if there is none. */
  readonly shortest: number;
  /**
   * Whether the end of a line (LF) may stand within a spelling: otherwise none lies across one. A soft line
   * break of quoted-printable, which is `=` and an end, is none of these, nor is the end of a line of digits.
   */
  readonly spansLines: boolean;
  open(): Finding;
}

export interface Finding {
  /** Calls for each stretch that a spelling covers and that ends within these octets, perhaps repeatedly. */
  read(octets: Uint8Array, found: Found): void;
}

/**
 * Start and end count from the first octet that was read since `open`. `form` is what is spelled there, as it
 * is or with escapes.
 */
export type Found = (start: number, end: number, form: FoundForm, isEscaped: boolean) => void;

export interface FoundForm extends SecretForm {
  /** The first secret that has the form. */
  readonly secret: string;
}

/** A step is a form of a secret, or some ten microseconds. */
export function* finderSteps(secrets: readonly string[]): Steps<Finder> {
  const distinct = new Map<string, FoundForm>();
  for (const secret of secrets) {
    for (const form of yield* formSteps(secret)) {
      const key = form.octets.toString("latin1");
      if (!distinct.has(key)) distinct.set(key, { ...form, secret });
      yield;
    }
  }
  const forms = [...distinct.values()];
  const automaton = yield* automatonSteps(forms.map(({ octets }) => octets));
  const longest = Math.max(longestOf(forms), MOST_FOR_AN_OCTET * longestOf(forms, ["text"]));
  const texts: EscapedTexts & WrappedTexts = {
    automaton,
    firsts: new Set(
      FAMILIES.map(({ first }) => first).filter((first) =>
        forms.some(({ octets }) => octets.includes(first)),
      ),
    ),
    isDigits(pattern) {
      const form = forms[pattern];
      return form !== undefined && isOfDigits(form);
    },
    skipsBreaks: true,
    longestPattern: longestOf(forms, ["text", "base64", "hex"]),
    longestDigits: longestOf(forms, ["base64", "hex"]),
    shortest: SHORTEST_SPELLING,
    longest,
  };
  const hasBreaks = forms.some(({ octets }) => octets.some(isBreak));
  /** Where a text has ends of lines itself, they are read as what they are, too. */
  const readings = hasBreaks ? [texts, { ...texts, skipsBreaks: false }] : [texts];
  return {
    longest,
    shortest: forms.reduce((least, { octets }) => Math.min(least, octets.length), Infinity),
    spansLines: forms.some(({ octets }) => octets.includes(LF)),
    open: () => (forms.length === 0 ? NOTHING : openFinding(forms, texts, readings)),
  };
}

/** 0 if there is none. */
function longestOf(
  forms: readonly SecretForm[],
  kinds: readonly FormKind[] = ["text", "base64", "hex", "code"],
): number {
  return forms.reduce(
    (most, { octets, kind }) => Math.max(most, kinds.includes(kind) ? octets.length : 0),
    0,
  );
}

const NOTHING: Finding = { read: () => undefined };

const TELL_NOBODY: Found = () => undefined;

function openFinding(
  forms: readonly FoundForm[],
  texts: EscapedTexts & WrappedTexts,
  readings: readonly EscapedTexts[],
): Finding {
  const { automaton } = texts;
  const escapes = readings.flatMap((reading) => FAMILIES.map((family) => ({ reading, family })));
  const searches: (EscapedSearch | undefined)[] = [];
  let wrapped: WrappedSearch | undefined;
  const tail = createStreamTail(Math.max(texts.longestPattern - 1, wrappedReach(texts)));
  const cursor = { at: 0, state: automaton.root };
  let before = 0;
  let tellFound = TELL_NOBODY;

  function readPlain(octets: Buffer, found: Found): void {
    cursor.at = 0;
    while (automaton.read(octets, cursor)) {
      const end = before + cursor.at;
      automaton.endings(cursor.state, (number, length) => {
        const form = forms[number];
        if (form !== undefined) found(end - length, end, form, false);
      });
    }
  }

  function tellEscaped(start: number, end: number, number: number): void {
    const form = forms[number];
    if (form !== undefined) tellFound(start, end, form, true);
  }

  function readEscaped(octets: Buffer): void {
    for (const [index, { reading, family }] of escapes.entries()) {
      if (searches[index] === undefined && findEscape(family, octets, 0) === octets.length) continue;
      const search = (searches[index] ??= createEscapedSearch(reading, family));
      searchEscaped(search, octets, { before, tail, found: tellEscaped });
    }
  }

  return {
    read(given, found) {
      const octets = toBuffer(given);
      readPlain(octets, found);
      tellFound = found;
      readEscaped(octets);
      if (wrapped === undefined && octets.includes(LF)) wrapped = createWrappedSearch(texts, tellEscaped);
      if (wrapped !== undefined) searchWrapped(wrapped, octets, before, tail);
      tail.keep(octets);
      before += octets.length;
    },
  };
}

function toBuffer(octets: Uint8Array): Buffer {
  return Buffer.isBuffer(octets) ? octets : Buffer.from(octets.buffer, octets.byteOffset, octets.length);
}
