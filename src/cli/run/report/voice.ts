/**
 * What a run says on standard error: lines for people, or with `--json` an object a line; with `--quiet` only
 * what went wrong.
 */
import type { PolicySuggestion } from "../../../client/client.ts";
import type { Denied, Failed } from "./ledger.ts";
import { renderSuggestion } from "./suggestion.ts";
import { missingTargets, type Outcome, renderSummary } from "./summary.ts";
import type { Surroundings } from "./surroundings.ts";
import { describe, describeCause } from "./words.ts";

export interface Voice {
  /** Something that is good to know. */
  note(text: string): void;
  /** Something that has to be known: the run holds less than others. Said with `--quiet`, too. */
  warn(text: string): void;
  /** Something that went wrong. */
  complain(text: string): void;
  /** A denial or a failed lookup as it happens; `undefined` if there are too many to tell. */
  tell(entry: Denied | Failed | undefined, around: Surroundings): void;
  /** What an audit has learned; said with `--quiet`, too. */
  suggest(suggestion: PolicySuggestion): void;
  /** What it all came to. */
  sum(outcome: Outcome): void;
}

export interface VoiceOptions {
  readonly isQuiet: boolean;
  readonly asJson: boolean;
}

/** `write` takes whole lines. */
export function createVoice(write: (text: string) => void, { isQuiet, asJson }: VoiceOptions): Voice {
  const voice = asJson ? speakJson(write) : speakText(write);
  if (!isQuiet) return voice;
  return { ...voice, note: sayNothing, tell: sayNothing, sum: sayNothing };
}

function sayNothing(): void {
  return undefined;
}

function speakText(write: (text: string) => void): Voice {
  const say = (text: string): void => write(`egress run: ${text}\n`);
  return {
    note: say,
    warn: say,
    complain: say,
    suggest(suggestion) {
      for (const line of renderSuggestion(suggestion)) say(line);
    },
    tell: (entry, around) =>
      say(entry === undefined ? "further denials are printed at the end" : describe(entry, around)),
    sum(outcome) {
      for (const line of renderSummary(outcome)) say(line);
    },
  };
}

function speakJson(write: (text: string) => void): Voice {
  const say = (event: string, fields: object): void => write(`${JSON.stringify({ event, ...fields })}\n`);
  return {
    note: (message) => say("note", { message }),
    warn: (message) => say("note", { message }),
    complain: (message) => say("error", { message }),
    suggest: (suggestion) => say("suggestion", suggestion),
    tell(entry, around) {
      if (entry === undefined) say("note", { message: "further denials are printed at the end" });
      else say(entry.kind === "failed" ? "failed" : "denied", fieldsOf(entry, around));
    },
    sum({ denied, others, failed }) {
      say("summary", {
        denied: denied.map((entry) => fieldsOf(entry)),
        others,
        failed,
        allow: missingTargets(denied),
      });
    },
  };
}

function fieldsOf(entry: Denied | Failed, around?: Surroundings): object {
  const message = around === undefined ? {} : { message: describe(entry, around) };
  if (entry.kind === "failed") {
    const { subject, reason, upstream } = entry;
    return { target: subject, reason, upstream, ...message };
  }
  const { kind, subject, cause, flow, host, count } = entry;
  return { kind, target: subject, ...cause, ...flow, host, reason: describeCause(cause), count, ...message };
}
