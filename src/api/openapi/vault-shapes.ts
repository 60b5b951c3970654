/**
 * The vault's calls, as the document tells of them. What is taken is read by `src/vault/request`; a test
 * holds the two together.
 */
import * as z from "zod";
import { ANY_METHOD } from "../../vault/binding.ts";
import { METHODS } from "../../vault/request/binding-shape.ts";

const refreshShape = z
  .int()
  .min(1)
  .max(86_400)
  .optional()
  .describe("Seconds after which it is read again. Default: never.");
const sourceShape = z.union([
  z.strictObject({
    type: z.literal("inline").optional(),
    value: z.string().min(1).describe("Write-only: no answer holds it."),
  }),
  z.strictObject({
    type: z.literal("env"),
    variable: z.string().describe("A variable of the sidecar's own environment."),
  }),
  z.strictObject({
    type: z.literal("file"),
    path: z.string().describe("Absolute; where the sidecar is."),
    refreshAfter: refreshShape,
  }),
  z.strictObject({
    type: z.literal("command"),
    command: z.array(z.string()).min(1).describe("A program and its arguments; it runs as the sidecar does."),
    refreshAfter: refreshShape,
  }),
]);
const newCredentialShape = z.strictObject({ name: z.string(), source: sourceShape });
const matchShape = z.strictObject({
  schemes: z
    .array(z.enum(["https", "http"]))
    .optional()
    .describe("Default: https."),
  hosts: z.array(z.string()).min(1).describe("Fully qualified names, and *.name for every name below one."),
  methods: z
    .array(z.string())
    .optional()
    .describe(`Default: ${METHODS.join(", ")}. ${ANY_METHOD} stands for any.`),
  paths: z
    .array(z.string().regex(/^\//))
    .optional()
    .describe("A final * stands for whatever follows. Default: /*."),
  ports: z
    .array(z.union([z.literal(80), z.literal(443)]))
    .optional()
    .describe("Says nothing: the scheme does."),
});
const substitutionShape = z.strictObject({
  credential: z.string(),
  placeholder: z.string().min(1),
  in: z.array(z.enum(["path", "query", "header", "body"])).min(1),
});
const authShape = z.strictObject({
  type: z.enum(["bearer", "basic", "apiKey", "customHeaders", "passthrough"]),
  credential: z.string().optional().describe("Of bearer, basic and apiKey: a credential's name."),
  name: z.string().optional().describe("Of apiKey: the header's name."),
  headers: z
    .array(z.strictObject({ name: z.string(), credential: z.string() }))
    .optional()
    .describe("Of customHeaders."),
  substitutions: z.array(substitutionShape).optional(),
});
const newBindingShape = z.strictObject({ name: z.string(), match: matchShape, auth: authShape });
const vaultRequestShape = z.strictObject({
  credentials: z.array(newCredentialShape).optional(),
  bindings: z.array(newBindingShape).optional(),
});
const vaultMutationShape = z.strictObject({
  expectedRevision: z.int().optional(),
  credentials: operationsOf(newCredentialShape).optional(),
  bindings: operationsOf(newBindingShape).optional(),
});

function operationsOf<T extends z.ZodType>(item: T) {
  return z.strictObject({
    delete: z.array(z.string()).optional(),
    replace: z.array(item).optional(),
    add: z.array(item).optional(),
  });
}

const problemShape = z.string().optional().describe("Why requests that need it are refused now.");
const credentialShape = z.object({
  name: z.string(),
  sourceType: z.enum(["inline", "env", "file", "command"]),
  revision: z.int(),
  problem: problemShape,
});
const bindingShape = z.object({
  name: z.string(),
  revision: z.int(),
  match: z.object({
    schemes: z.array(z.string()),
    hosts: z.array(z.string()),
    methods: z.array(z.string()),
    paths: z.array(z.string()),
  }),
  auth: z.object({ type: z.string(), name: z.string().optional() }),
  problem: problemShape,
});
const vaultShape = z.object({
  revision: z.int(),
  credentials: z.array(credentialShape),
  bindings: z.array(bindingShape),
});
const credentialListShape = z.object({ revision: z.int(), credentials: z.array(credentialShape) });
const bindingListShape = z.object({ revision: z.int(), bindings: z.array(bindingShape) });

/** With the names and descriptions that they have in the document. */
export const VAULT_SHAPES: readonly (readonly [
  z.ZodType,
  { readonly id: string; readonly description: string },
])[] = [
  [sourceShape, { id: "CredentialSource", description: "Where a credential's value comes from." }],
  [
    newCredentialShape,
    { id: "NewCredential", description: "A credential, which bindings refer to by its name." },
  ],
  [newBindingShape, { id: "NewBinding", description: "Into which requests credentials go, and where." }],
  [vaultRequestShape, { id: "VaultRequest", description: "All that the vault is to hold." }],
  [
    vaultMutationShape,
    {
      id: "VaultMutation",
      description:
        "Deletions, then replacements, then additions, credentials before bindings: all of it or nothing. A name may be in one of them only.",
    },
  ],
  [credentialShape, { id: "Credential", description: "A credential without its value." }],
  [bindingShape, { id: "Binding", description: "A binding, its match with the defaults filled in." }],
  [vaultShape, { id: "Vault", description: "What the vault holds: no value, no placeholder." }],
  [credentialListShape, { id: "Credentials", description: "All credentials, by name." }],
  [bindingListShape, { id: "Bindings", description: "All bindings, by name." }],
];
