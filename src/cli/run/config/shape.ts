/**
 * What a policy file in a repository may hold, as zod checks it and as its published JSON Schema tells
 * editors.
 */
import * as z from "zod/mini";
import { quote } from "../../../policy/problem.ts";

const TARGET = "A name, *.name (the names below it), an address or a prefix";
const NAME = /^[a-z0-9][a-z0-9-]*$/;

const textShape = z.string({ error: wanted("text; put it into quotes") });
const listShape = z.nullish(z.array(textShape, { error: wanted("a list") }));
const actionShape = z.enum(["allow", "deny"], { error: wanted("allow or deny") });

/** Keys that say nothing about what is allowed, for people and editors. */
const ABOUT = {
  $schema: z.optional(textShape),
  description: z.optional(textShape),
  sources: listShape,
  date: z.optional(textShape),
};

/** Each key with what it means; the order is that in which its rules are asked. */
export const configShape = z.strictObject(
  {
    ...ABOUT,
    defaultAction: z.optional(actionShape),
    egress: z.nullish(
      z.array(
        z.strictObject(
          { action: actionShape, target: textShape },
          { error: wanted('a rule such as {"action": "allow", "target": "example.org"}') },
        ),
        { error: wanted("a list") },
      ),
    ),
    deny: listShape,
    allow: listShape,
    presets: z.nullish(
      z.array(
        z.string({ error: wanted("the name of a preset") }).check(z.regex(NAME, { error: notAPreset })),
        { error: wanted("a list") },
      ),
    ),
  },
  { error: wanted("keys and values") },
);

export type ConfigJson = z.infer<typeof configShape>;

export function isPresetName(text: string): boolean {
  return NAME.test(text);
}

/** What is to be written instead of keys that are nearly right. */
export function keyMeant(key: string): string | undefined {
  return MEANT.get(key.toLowerCase().replaceAll(/[^a-z]/g, ""));
}

export const KEYS: readonly string[] = Object.keys(configShape.def.shape).filter((key) => key !== "$schema");

/** The JSON Schema (2020-12) of a policy file. */
export function configSchema(): object {
  const meaning: Readonly<Record<string, string>> = {
    $schema: "Where editors find this schema",
    description: "What the file is for",
    sources: "Where its targets were read",
    date: "When they were read",
    defaultAction: "The default action, which holds if no rule matches; deny if it is left out",
    egress: "Rules in order: the first that matches decides. They stand before those of deny and allow",
    deny: `Targets that may not be reached. ${TARGET}`,
    allow: `Targets that may be reached, unless deny or a rule of egress says otherwise. ${TARGET}`,
    presets: "Lists of targets that may be reached, by name: a user's own, or those that come with egress",
  };
  const schema: Record<string, unknown> = z.toJSONSchema(configShape, { io: "input" });
  const properties = Object.entries(schema["properties"] ?? {}).map(([key, value]: [string, object]) => [
    key,
    { ...(meaning[key] === undefined ? {} : { description: meaning[key] }), ...value },
  ]);
  return {
    ...schema,
    title: "Policy file of egress run",
    description: "egress.yaml or egress.json: what a command that egress run runs may reach.",
    properties: Object.fromEntries(properties),
  };
}

const MEANT: ReadonlyMap<string, string> = new Map([
  ["default", "defaultAction"],
  ["defaultaction", "defaultAction"],
  ["defaultpolicy", "defaultAction"],
  ["rule", "egress"],
  ["rules", "egress"],
  ["egressrules", "egress"],
  ["preset", "presets"],
  ["allowed", "allow"],
  ["allowlist", "allow"],
  ["domains", "allow"],
  ["denied", "deny"],
  ["denylist", "deny"],
  ["source", "sources"],
]);

function wanted(
  what: string,
): (issue: { readonly code?: string; readonly input?: unknown }) => string | undefined {
  return ({ code, input }) => {
    if (code === "unrecognized_keys") return undefined; // said with its own line
    return input === undefined ? `is missing, must be ${what}` : `must be ${what}`;
  };
}

function notAPreset({ input }: { readonly input?: unknown }): string {
  return `${quote(String(input))} is no name of a preset: small letters, digits and hyphens`;
}
