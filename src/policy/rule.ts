import type { Target } from "./target.ts";

/** What happens to what a rule matches. */
export type Action = "allow" | "deny";

/** One line of a policy: what is done with what the target matches. */
export interface Rule {
  readonly action: Action;
  readonly target: Target;
}

/** Reads an action: trimmed, any case; nothing or blank is `deny`, the closed reading; anything else unknown is `undefined`. */
export function parseAction(text: string | null | undefined): Action | undefined {
  const action = (text ?? "").trim().toLowerCase();
  if (action === "allow") return "allow";
  return action === "deny" || action === "" ? "deny" : undefined;
}
