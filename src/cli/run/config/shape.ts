/**
 * What a policy file in a repository may hold, as zod checks it and as its published JSON Schema tells
 * editors.
 */
import * as z from "zod/mini";
import { METHODS_MAX, PATHS_MAX } from "../../../policy/http-match.ts";
import { quote } from "../../../policy/problem.ts";
import { APPS } from "../../../policy/app.ts";
import { PORTS_MAX, SCOPE_PROTOCOLS } from "../../../policy/scope.ts";
import { PORT_MAX } from "../../../policy/flow-set.ts";

const TARGET = "A name, *.name (the names below it), an address or a prefix";
const NAME = /^[a-z0-9][a-z0-9-]*$/;

const textShape = z.string({ error: wanted("text; put it into quotes") });
const listShape = z.nullish(z.array(textShape, { error: wanted("a list") }));
const wordsShape = z.array(textShape, { error: wanted("a list") });
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
          {
            action: actionShape,
            target: z.optional(textShape),
            ports: z.optional(
              z.array(z.union([z.number(), z.string()], { error: wanted("a port") }), {
                error: wanted("a list of ports"),
              }),
            ),
            protocol: z.optional(
              z.enum(SCOPE_PROTOCOLS, { error: wanted(`one of ${SCOPE_PROTOCOLS.join(", ")}`) }),
            ),
            app: z.optional(z.enum(APPS, { error: wanted(`one of ${APPS.join(", ")}`) })),
            http: z.optional(
              z.strictObject(
                { methods: z.optional(wordsShape), paths: z.optional(wordsShape) },
                { error: wanted('keys such as {"methods": ["GET"]}') },
              ),
            ),
          },
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

/** The same of a rule's. */
export function ruleKeyMeant(key: string): string | undefined {
  return MEANT_OF_RULES.get(key.toLowerCase().replaceAll(/[^a-z]/g, ""));
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
  const schema: Record<string, unknown> = z.toJSONSchema(configShape, { io: "input", override: narrowRule });
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

/** Of a rule what its reader checks by hand, so that editors know it. */
function narrowRule({ jsonSchema }: { jsonSchema: z.core.JSONSchema.BaseSchema }): void {
  narrowHttp(jsonSchema);
  const ports = jsonSchema.properties?.["ports"];
  if (typeof ports !== "object") return;
  Object.assign(ports, {
    description: "Without it the rule speaks of every port",
    items: {
      anyOf: [
        { type: "integer", minimum: 1, maximum: PORT_MAX },
        { type: "string", pattern: "^[1-9][0-9]{0,4}(-[1-9][0-9]{0,4})?$" },
      ],
    },
    minItems: 1,
    maxItems: PORTS_MAX,
  });
  jsonSchema.anyOf = SAYS_WHAT_OF.map((key) => ({ properties: { [key]: {} }, required: [key] }));
  // Requests are read by their host's name.
  jsonSchema["dependentRequired"] = { http: ["target"] };
}

function narrowHttp(schema: z.core.JSONSchema.BaseSchema): void {
  const { methods, paths } = schema.properties ?? {};
  if (typeof methods !== "object" || typeof paths !== "object") return;
  Object.assign(methods, {
    description: "Without it the rule speaks of every method",
    items: { type: "string", pattern: "^[!#$%&'*+\\-.^_`|~0-9A-Za-z]{1,64}$" },
    minItems: 1,
    maxItems: METHODS_MAX,
  });
  Object.assign(paths, {
    description: "Paths without their queries; a final * stands for what follows. Without it: every path",
    items: { type: "string", pattern: "^/" },
    minItems: 1,
    maxItems: PATHS_MAX,
  });
  Object.assign(schema, {
    description: "Which requests to the host it speaks of; the sidecar reads the requests of such a host",
    minProperties: 1,
  });
}

/** A rule has one of these. */
const SAYS_WHAT_OF = ["target", "ports", "protocol", "app"];
export const RULE_KEYS: readonly string[] = ["action", ...SAYS_WHAT_OF, "http"];

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

const MEANT_OF_RULES: ReadonlyMap<string, string> = new Map([
  ["port", "ports"],
  ["proto", "protocol"],
  ["protocols", "protocol"],
  ["targets", "target"],
  ["https", "http"],
  ["method", "methods"],
  ["path", "paths"],
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
