/**
 * Says whether any of some texts passes by, in any of its spellings, however the stream is cut. Changes
 * nothing and holds nothing back.
 */
import { runToEnd, type Steps } from "../policy/steps.ts";
import { automatonSteps, type Cursor } from "./automaton.ts";
import { formSteps } from "./secret-forms.ts";

export interface Watch {
  /** `exempt` says which octets are no sighting though a text has them as its spelling. */
  open(exempt: ReadonlySet<string>): WatchedStream;
}

export interface WatchedStream {
  read(octets: Uint8Array): void;
  /** What follows does not belong to what was read. */
  cut(): void;
  /** The first of the texts that has passed. */
  seen(): string | undefined;
}

/** Without a pause. */
export function createWatch(texts: readonly string[]): Watch {
  return runToEnd(watchSteps(texts));
}

/** Costs as much as a redactor of these texts, in steps like its. */
export function* watchSteps(texts: readonly string[]): Steps<Watch> {
  const forms: { readonly text: string; readonly octets: Buffer }[] = [];
  for (const text of texts) {
    for (const octets of yield* formSteps(text)) forms.push({ text, octets });
  }
  const automaton = yield* automatonSteps(forms.map(({ octets }) => octets));

  function findNext(octets: Uint8Array, cursor: Cursor, exempt: ReadonlySet<string>): string | undefined {
    let found: string | undefined;
    if (!automaton.read(octets, cursor)) return undefined;
    automaton.endings(cursor.state, (form) => {
      const ending = forms[form];
      if (ending !== undefined && !exempt.has(ending.octets.toString())) found ??= ending.text;
    });
    return found;
  }

  return {
    open(exempt) {
      let state = automaton.root;
      let seen: string | undefined;
      return {
        read(octets) {
          const cursor = { at: 0, state };
          // The first one counts; nothing more is read then.
          while (cursor.at < octets.length && seen === undefined) seen = findNext(octets, cursor, exempt);
          ({ state } = cursor);
        },
        cut() {
          state = automaton.root;
        },
        seen: () => seen,
      };
    },
  };
}
