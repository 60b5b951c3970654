/**
 * Reads the bodies of `/credential-vault`. It refuses an unknown field, as the original does, and text behind
 * the JSON. A message names the place of a mistake, and never a value: any text of such a body may be a
 * secret in the wrong place.
 */
import * as z from "zod/mini";
import { type Result, accepted, refused, refusedAll } from "../../policy/problem.ts";
import { type BindingRules, bindingShape } from "./binding-shape.ts";
import { credentialShape } from "./credential-shape.ts";
import { exactly, listOf, nameShape, toProblem, wanted } from "./shapes.ts";
import type { Operations, VaultMutation, VaultRequest } from "./vault-request.ts";

/** A body may have a MiB, which is room for some ten thousand. */
const MOST_ENTRIES = 1 << 16;

export interface VaultParser {
  parseRequest(text: string): Result<VaultRequest>;
  parseMutation(text: string): Result<VaultMutation>;
}

export function createVaultParser(rules: BindingRules): VaultParser {
  const binding = bindingShape(rules);
  const requestShape = exactly("an object with credentials and bindings", {
    credentials: listOf(credentialShape, MOST_ENTRIES),
    bindings: listOf(binding, MOST_ENTRIES),
  });
  const mutationShape = exactly("an object with expectedRevision, credentials or bindings", {
    expectedRevision: z.nullish(
      z.number({ error: wanted("a whole number") }).check(z.int("must be a whole number")),
    ),
    credentials: operationsShape(credentialShape),
    bindings: operationsShape(binding),
  });
  return {
    parseRequest: (text) => parse(requestShape, text),
    parseMutation(text) {
      const parsed = parse(mutationShape, text);
      if (!parsed.ok) return parsed;
      const { expectedRevision, credentials, bindings } = parsed.value;
      return accepted({ expectedRevision: expectedRevision ?? undefined, credentials, bindings });
    },
  };
}

function operationsShape<T extends z.ZodMiniType>(item: T) {
  return z.pipe(
    z.nullish(
      exactly("an object with add, replace or delete", {
        add: listOf(item, MOST_ENTRIES),
        replace: listOf(item, MOST_ENTRIES),
        delete: listOf(nameShape, MOST_ENTRIES),
      }),
    ),
    z.transform((given): Operations<z.output<T>> => given ?? { add: [], replace: [], delete: [] }),
  );
}

function parse<T>(shape: z.ZodMiniType<T>, text: string): Result<T> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // V8's own message quotes the text.
    return refused(text.trim() === "" ? "the body is empty" : "the body is not JSON");
  }
  const parsed = shape.safeParse(value);
  return parsed.success ? accepted(parsed.data) : refusedAll(parsed.error.issues.map(toProblem));
}
