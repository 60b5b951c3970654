/**
 * Fills the placeholders of one request: each in the places that its substitution names, encoded as the place
 * wants it. Anywhere else a placeholder is misplaced, in whatever spelling, and the request must not go on.
 */
import { runToEnd, type Steps } from "../policy/steps.ts";
import { trimBlanks } from "../policy/trim-blanks.ts";
import type { Automaton } from "./automaton.ts";
import { isCredentialHeader } from "./credential-headers.ts";
import { inEnvelopes } from "./framed-substituter.ts";
import { hasEnvelopes } from "./message-frames.ts";
import type { Watch } from "./watch.ts";
import {
  createSubstituter,
  type Filling,
  placeholderSteps,
  type Substituted,
  type Substituter,
} from "./substituter.ts";

type Place = "path" | "query" | "header" | "body";

export interface Substitution {
  readonly placeholder: string;
  readonly value: string;
  readonly places: readonly Place[];
}

/** Heads have an octet a character (latin1). */
export interface RequestFiller {
  path(text: string): Substituted;
  query(text: string): Substituted;
  /** `name` in lower case, with `-` for `_`. Only headers of credentials are filled. */
  header(name: string, value: string): Substituted;
  /** Whether a header of that name is one of those. */
  fillsHeader(name: string): boolean;
  /** Of what is never filled. */
  nowhere(text: string): Substituted;
  /** Undefined if a placeholder may have to be filled in a body that cannot be read: one that is coded. */
  body(contentType: string | undefined, contentCoding: string | undefined): Substituter | undefined;
}

/** Without a pause: see {@link requestFillerSteps}. */
export function createRequestFiller(
  substitutions: readonly Substitution[],
  watch: Watch,
  named?: ReadonlySet<string>,
): RequestFiller {
  return runToEnd(requestFillerSteps(substitutions, watch, named));
}

/**
 * `watch` is for all placeholders that there are: these, and those of other bindings. `named` are headers
 * that are filled though their names are no credential's, in lower case with `-` for `_`. To be made once for
 * a binding as it is in force.
 */
export function* requestFillerSteps(
  substitutions: readonly Substitution[],
  watch: Watch,
  named: ReadonlySet<string> = new Set(),
): Steps<RequestFiller> {
  const automata = yield* automataSteps(substitutions);
  const at = (place: Place, encode: (value: string) => string): (() => Substituter) =>
    once(() => createSubstituter(fillingsAt(substitutions, place, encode), watch, automata.get(place)));
  const inPath = at("path", percentEncode);
  const inQuery = at("query", percentEncode);
  // HTTP/2 has no form for blanks at a field's ends: who gets it drops the field.
  const inHeader = at("header", (value) => trimBlanks(value));
  const inBasic = at("header", asIs);
  const nowhere = once(() => createSubstituter([], watch));
  const inJson = at("body", jsonEncode);
  const inForm = at("body", formEncode);
  const inBody = at("body", asIs);
  const fillsHeader = (name: string): boolean => isCredentialHeader(name) || named.has(name);
  const fillsBodies = substitutions.some(({ places }) => places.includes("body"));
  return {
    path: (text) => inPath().substitute(text),
    query: (text) => inQuery().substitute(text),
    header(name, value) {
      if (!fillsHeader(name)) return nowhere().substitute(value);
      const basic = name === "authorization" ? /^(?<scheme>basic +)(?<digits>\S+)$/i.exec(value) : null;
      return basic === null
        ? inHeader().substitute(value)
        : substituteBasic(inBasic(), basic.groups?.["scheme"] ?? "", basic.groups?.["digits"] ?? "");
    },
    fillsHeader,
    nowhere: (text) => nowhere().substitute(text),
    body(contentType = "", contentCoding = "identity") {
      const isPlain = ["", "identity"].includes(contentCoding.trim().toLowerCase());
      if (!isPlain) return fillsBodies ? undefined : nowhere();
      const media = mediaTypeOf(contentType);
      const isJson = media === "application/json" || media.endsWith("+json");
      if (fillsBodies && hasEnvelopes(media)) return inEnvelopes(isJson ? inJson() : inBody());
      if (isJson) return inJson();
      return media === "application/x-www-form-urlencoded" ? inForm() : inBody();
    },
  };
}

const PLACES: readonly Place[] = ["path", "query", "header", "body"];

/** What finds the placeholders of each place. Most substitutions name the same places and share one. */
function* automataSteps(substitutions: readonly Substitution[]): Steps<ReadonlyMap<Place, Automaton>> {
  const made = new Map<string, Automaton>();
  const byPlaces = new Map<Place, Automaton>();
  for (const place of PLACES) {
    const placeholders = fillingsAt(substitutions, place, asIs).map(({ placeholder }) => placeholder);
    const key = JSON.stringify(placeholders);
    const automaton = made.get(key) ?? (yield* placeholderSteps(placeholders));
    made.set(key, automaton);
    byPlaces.set(place, automaton);
  }
  return byPlaces;
}

/** What the digits say is filled, and written in digits again. */
function substituteBasic(substituter: Substituter, scheme: string, digits: string): Substituted {
  const said = Buffer.from(digits, "base64").toString("latin1");
  const filled = substituter.substitute(said);
  if (filled.count === 0 && filled.misplaced === undefined) return substituter.substitute(scheme + digits);
  return { ...filled, text: scheme + Buffer.from(filled.text, "latin1").toString("base64") };
}

function fillingsAt(
  substitutions: readonly Substitution[],
  place: Place,
  encode: (value: string) => string,
): readonly Filling[] {
  return substitutions
    .filter(({ places }) => places.includes(place))
    .map(({ placeholder, value }) => ({ placeholder, value: encode(value) }));
}

export function mediaTypeOf(contentType: string): string {
  return (/^[^;,]*/.exec(contentType)?.[0] ?? "").trim().toLowerCase();
}

const asIs = (value: string): string => value;

/** All but RFC 3986's unreserved characters. */
function percentEncode(value: string): string {
  return encodeURIComponent(value).replaceAll(
    /[!'()*]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

function formEncode(value: string): string {
  return new URLSearchParams([["", value]]).toString().slice(1);
}

function jsonEncode(value: string): string {
  return JSON.stringify(value).slice(1, -1);
}

function once<T>(make: () => T): () => T {
  let made: T | undefined;
  return () => (made ??= make());
}
