import * as z from "zod/mini";
import { accepted, quote, refused } from "../../policy/problem.ts";
import type { BindingAuth, Substitution, Surface } from "../binding.ts";
import { parseHeaderName } from "./header-name.ts";
import { exactly, listOf, nameShape, readText, refuse, textShape, unique } from "./shapes.ts";
import type { NewBinding } from "./vault-request.ts";

const surfaceShape = readText((text) => {
  const surface = text.trim().toLowerCase();
  return isSurface(surface)
    ? accepted(surface)
    : refused(`${quote(text)} must be path, query, header or body`);
});

function isSurface(text: string): text is Surface {
  return text === "path" || text === "query" || text === "header" || text === "body";
}

const placeholderShape = readText((text) => {
  if (text.trim() === "") return refused("is blank");
  if (text.length > 1024) return refused("is longer than 1024 characters");
  // oxlint-disable-next-line no-control-regex -- they are what is refused
  return /[\0-\u001F\u007F]|\p{Surrogate}/u.test(text)
    ? refused("holds a control character or half a character")
    : accepted(text);
});

const substitutionShape = z.pipe(
  exactly("a substitution", {
    credential: nameShape,
    placeholder: placeholderShape,
    in: listOf(surfaceShape),
  }),
  z.transform(({ credential, placeholder, in: surfaces }, context): Substitution<string> => {
    if (surfaces.length === 0)
      refuse(context, "is missing, must be a list of path, query, header or body", ["in"]);
    return { credential, placeholder, surfaces: unique(surfaces) };
  }),
);

const headerShape = exactly("a header with its credential", {
  name: readText(parseHeaderName),
  credential: nameShape,
});

const TYPES = ["bearer", "basic", "apiKey", "customHeaders", "passthrough"] as const;

/** The binding's `auth`, with its substitutions. */
export const authShape = z.pipe(
  exactly("an object", {
    type: z.pipe(
      textShape,
      z.enum(TYPES, { error: "must be bearer, basic, apiKey, customHeaders or passthrough" }),
    ),
    credential: z.nullish(nameShape),
    name: z.nullish(readText(parseHeaderName)),
    headers: listOf(headerShape),
    substitutions: listOf(substitutionShape),
  }),
  z.transform((given, context): Pick<NewBinding, "auth" | "substitutions"> => {
    const { substitutions } = given;
    const repeated = findRepeated(substitutions);
    if (repeated !== undefined) refuse(context, repeated, ["substitutions"]);
    return { auth: readAuth(given, context), substitutions };
  }),
);

interface GivenAuth {
  readonly type: (typeof TYPES)[number];
  readonly credential?: string | null | undefined;
  readonly name?: string | null | undefined;
  readonly headers: readonly { readonly name: string; readonly credential: string }[];
}

/** What each type takes; any other key was meant for another type. */
function readAuth(given: GivenAuth, context: z.core.ParsePayload): BindingAuth<string> {
  const { type, headers } = given;
  refuseParts(given, context);
  const credential = given.credential ?? "";
  if (type === "passthrough") return { type };
  if (type === "apiKey") return { type, name: given.name ?? "", credential };
  if (type !== "customHeaders") return { type, credential };
  const twice = headers.find((one, index) => headers.findIndex((other) => other.name === one.name) < index);
  if (twice !== undefined) refuse(context, `name ${quote(twice.name)} twice`, ["headers"]);
  return { type, headers };
}

function refuseParts({ type, credential, name, headers }: GivenAuth, context: z.core.ParsePayload): void {
  const takes: readonly string[] = TAKES[type];
  const parts = { credential, name, headers: headers.length === 0 ? undefined : headers };
  for (const [part, value] of Object.entries(parts)) {
    const isGiven = value !== undefined && value !== null;
    if (isGiven && !takes.includes(part)) refuse(context, `is not taken by the type ${type}`, [part]);
    if (!isGiven && takes.includes(part)) refuse(context, `is missing, the type ${type} needs it`, [part]);
  }
}

const TAKES = {
  bearer: ["credential"],
  basic: ["credential"],
  apiKey: ["name", "credential"],
  customHeaders: ["headers"],
  passthrough: [],
} as const;

/** Messages never show placeholders: one may be a secret in the wrong place. */
function findRepeated(substitutions: readonly Substitution<string>[]): string | undefined {
  const seen = new Set<string>();
  for (const { placeholder, surfaces } of substitutions) {
    for (const surface of surfaces) {
      const key = `${surface} ${placeholder}`;
      if (seen.has(key)) return `have the same placeholder twice in the ${surface}`;
      seen.add(key);
    }
  }
  return undefined;
}
