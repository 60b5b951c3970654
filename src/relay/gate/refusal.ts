import type { RefusingRule } from "../../intercept/request-rules.ts";

/** Why a message does not pass: the status, and the text that the client gets, one line. */
export interface Refusal {
  readonly kind: "refused";
  readonly status: number;
  readonly text: string;
  /** JSON beside the text, if a rule of the policy has refused it. */
  readonly rule?: RefusingRule | undefined;
}

export function refuse(status: number, text: string, rule?: RefusingRule): Refusal {
  return rule === undefined ? { kind: "refused", status, text } : { kind: "refused", status, text, rule };
}

export interface RefusalBody {
  readonly type: string;
  /** Ends in a line break. */
  readonly text: string;
}

/** What the client gets: a line of text, or JSON that names the rule. */
export function renderRefusalBody({ text, rule }: Refusal): RefusalBody {
  if (rule === undefined) return { type: "text/plain; charset=utf-8", text: `${text}\n` };
  const body = { code: "request-denied", message: text, ...rule };
  return { type: "application/json", text: `${JSON.stringify(body)}\n` };
}
