import type { Refusal } from "../refusal.ts";
import type { ParameterName } from "./parameters.ts";

/** One call, as the document tells of it. */
export interface Operation {
  readonly path: string;
  readonly method: "get" | "post" | "put" | "patch" | "delete";
  readonly id: string;
  readonly summary: string;
  readonly description?: string;
  /** The schema of the body. */
  readonly takes?: { readonly schema: string; readonly mayBeBlank?: boolean };
  /**
   * What a success is: a schema of JSON, one text, lines of a format, server-sent events, JSON of a format,
   * or nothing, which is 204.
   */
  readonly gives:
    | { readonly schema: string; readonly status?: 201 }
    | { readonly nothing: string }
    | { readonly text: string }
    | { readonly lines: string }
    | { readonly events: string }
    | { readonly json: string };
  /** Asks for a token if one is set. */
  readonly isGuarded: boolean;
  /** Its answers carry the policy's entity tag. */
  readonly isTagged?: boolean;
  /** May carry If-Match and dryRun. */
  readonly isChange: boolean;
  /** What else it may carry: names of the document's parameters. */
  readonly parameters?: readonly ParameterName[];
  readonly refusals: readonly Refusal["code"][];
  /** A refusal that is a text alone, whatever is asked for. */
  readonly textRefusal?: { readonly status: number; readonly meaning: string };
}
