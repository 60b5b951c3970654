import { isAbsolute } from "node:path";
import * as z from "zod/mini";
import { accepted, quote, refused } from "../../policy/problem.ts";
import { parseSecret } from "./secret-text.ts";
import { exactly, listOf, nameShape, readText, refuse, wanted } from "./shapes.ts";
import type { CredentialSource, NewCredential } from "./vault-request.ts";

const DAY_SECONDS = 86_400;
const REFRESH = `a whole number of seconds from 1 to ${DAY_SECONDS}`;

const refreshShape = z.pipe(
  z.nullish(
    z
      .number({ error: wanted(REFRESH) })
      .check(
        z.int(`must be ${REFRESH}`),
        z.minimum(1, `must be ${REFRESH}`),
        z.maximum(DAY_SECONDS, `must be ${REFRESH}`),
      ),
  ),
  z.transform((seconds): number | undefined => seconds ?? undefined),
);

/** Our own settings hold the API's token. */
const variableShape = readText((text) => {
  if (!/^[A-Za-z_][A-Za-z0-9_]{0,255}$/.test(text)) return refused(`${quote(text)} is no variable's name`);
  return text.startsWith("OPENSANDBOX_")
    ? refused(`${quote(text)} is a setting of the sidecar`)
    : accepted(text);
});

const pathShape = readText((text) =>
  isAbsolute(text) && !text.includes("\0") && text.length <= 4095
    ? accepted(text)
    : refused("must be an absolute path"),
);

const commandShape = z.pipe(
  listOf(readText((text) => (text.includes("\0") ? refused("holds NUL") : accepted(text)))),
  z.transform((words, context): readonly [string, ...string[]] => {
    const [program = "", ...rest] = words;
    return program === ""
      ? refuse(context, "must be a list of a program and its arguments")
      : [program, ...rest];
  }),
);

const inlineShape = exactly("an object", {
  type: z.literal("inline"),
  value: readText(parseSecret),
});
const envShape = exactly("an object", { type: z.literal("env"), variable: variableShape });
const fileShape = exactly("an object", {
  type: z.literal("file"),
  path: pathShape,
  refreshAfter: refreshShape,
});
const commandSourceShape = exactly("an object", {
  type: z.literal("command"),
  command: commandShape,
  refreshAfter: refreshShape,
});

const anySourceShape = z.discriminatedUnion("type", [inlineShape, envShape, fileShape, commandSourceShape], {
  error: ({ input }) =>
    typeof input === "object" && input !== null
      ? "must have the type inline, env, file or command"
      : 'must be an object such as {"type":"inline","value":...}',
});

/** No type, or a blank one, means inline. */
const sourceShape = z.pipe(
  z.pipe(
    z.transform((value: unknown): unknown => {
      if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
      const type = "type" in value ? value.type : undefined;
      return type === undefined || type === null || type === "" ? { ...value, type: "inline" } : value;
    }),
    anySourceShape,
  ),
  z.transform((source): CredentialSource => {
    if (source.type === "inline" || source.type === "env") return source;
    const { refreshAfter: refreshAfterSeconds, ...rest } = source;
    return { ...rest, refreshAfterSeconds };
  }),
);

export const credentialShape: z.ZodMiniType<NewCredential> = exactly("a credential", {
  name: nameShape,
  source: sourceShape,
});
