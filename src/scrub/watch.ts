/**
 * Says whether any of some texts passes by, in any of its spellings, however the stream is cut. Changes
 * nothing and holds nothing back.
 */
import { runToEnd, type Steps } from "../policy/steps.ts";
import { finderSteps } from "./finder.ts";

export interface Watch {
  /** `exempt` says which octets are no sighting though a text has them as its form. */
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
  const finder = yield* finderSteps(texts);
  return {
    open(exempt) {
      let finding = finder.open();
      let seen: string | undefined;
      return {
        read(octets) {
          // The first one counts; nothing more is read then.
          if (seen !== undefined) return;
          finding.read(octets, (_start, _end, { octets: form, secret }, isEscaped) => {
            if (isEscaped || !exempt.has(form.toString())) seen ??= secret;
          });
        },
        cut() {
          finding = finder.open();
        },
        seen: () => seen,
      };
    },
  };
}
