/**
 * Says whether any of some texts passes by, in any of its spellings, however the stream is cut. Changes
 * nothing and holds nothing back.
 */
import { createAutomaton } from "./automaton.ts";
import { formsOf } from "./secret-forms.ts";

export interface Watch {
  open(): WatchedStream;
}

export interface WatchedStream {
  read(octets: Uint8Array): void;
  /** What follows does not belong to what was read. */
  cut(): void;
  /** The first of the texts that has passed. */
  seen(): string | undefined;
}

/** `exempt` says which octets are no sighting though a text has them as its spelling. */
export function createWatch(texts: readonly string[], exempt: ReadonlySet<string>): Watch {
  const forms = texts.flatMap((text) =>
    formsOf(text)
      .filter((octets) => !exempt.has(octets.toString()))
      .map((octets) => ({ text, octets })),
  );
  const automaton = createAutomaton(forms.map(({ octets }) => octets));
  return {
    open() {
      let state = automaton.root;
      let seen: string | undefined;
      return {
        read(octets) {
          const cursor = { at: 0, state };
          if (seen === undefined && automaton.read(octets, cursor)) {
            automaton.endings(cursor.state, (form) => {
              seen ??= forms[form]?.text;
            });
          }
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
