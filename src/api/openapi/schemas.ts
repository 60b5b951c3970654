/**
 * What the API takes and gives, as JSON schemas. What it takes comes from the very shapes that read the
 * bodies; a schema says less than they do, since which targets are alive is checked in code.
 */
import * as z from "zod";
import {
  actionShape,
  policyShape,
  ruleShape,
  rulesShape,
  targetShape,
  targetsShape,
} from "../../policy/parse-policy.ts";
import { auditShape, auditStateShape } from "../audit-route.ts";
import { REFUSAL_STATUS } from "../refusal.ts";
import { decisionShape, decisionsShape } from "./decision-shapes.ts";
import { explanationShape } from "./explain-shapes.ts";
import { enforcementModeShape, modeShape, problemShape, shownRuleShape } from "./shown-shapes.ts";
import {
  healthShape,
  layersShape,
  learnedAddressShape,
  protectionShape,
  shownTargetsShape,
  statusShape,
} from "./status-shapes.ts";
import { VAULT_SHAPES } from "./vault-shapes.ts";

const shownPolicyShape = z.object({
  egress: z.array(shownRuleShape),
  defaultAction: z.enum(["allow", "deny"]),
});
const stateKeys = { status: z.literal("ok"), mode: modeShape, enforcementMode: enforcementModeShape };
const policyStateShape = z.object({ ...stateKeys, policy: shownPolicyShape });
const policyChangeShape = z.object({
  ...stateKeys,
  reason: z.string().optional(),
  dryRun: z.literal(true).optional(),
  policy: shownPolicyShape.optional(),
  added: z.array(shownRuleShape).optional(),
  removed: z.array(shownRuleShape).optional(),
  warnings: z.array(problemShape).optional(),
});
const suggestionShape = z.union([
  shownPolicyShape,
  z.object({
    status: z.literal("ok"),
    policy: shownPolicyShape,
    leftOut: z
      .array(z.object({ target: z.string(), layer: z.string(), rule: z.string() }))
      .describe("What was seen and a rule denies."),
    seen: z.object({ names: z.number(), addresses: z.number(), cut: z.number() }),
  }),
]);
const refusalCodeShape = z.enum(Object.keys(REFUSAL_STATUS));
const problemDetailsShape = z.object({
  type: z.literal("about:blank"),
  title: z.string(),
  status: z.number(),
  detail: z.string(),
  code: refusalCodeShape,
  message: z.string(),
  errors: z.array(problemShape).optional(),
});

interface Named {
  readonly id: string;
  readonly description: string;
}

const NAMED: readonly (readonly [z.core.$ZodType, Named])[] = [
  [
    targetShape,
    {
      id: "Target",
      description:
        "A name (example.org: that name only), a wildcard (*.example.org: every name below it, not itself), an address or a prefix (192.0.2.0/24). One that could never match is refused.",
    },
  ],
  [
    actionShape,
    {
      id: "Action",
      description: "allow or deny, in any case; missing is deny.",
    },
  ],
  [
    ruleShape,
    {
      id: "Rule",
      description:
        'What is done with what the target matches; with ports (1 to 65535, ranges such as "8000-8080", 256 at most) or a protocol (tcp, udp, icmp) only with such flows to it. Ports without a protocol: an allow opens TCP, a deny refuses TCP and UDP. Ports or a protocol without a target speak of every destination. http (methods, paths with a final * for what follows) only with such requests to a bound host. app (tls, http, ssh, postgres, any) on an allow: only if that is spoken, over TCP; any asks for nothing.',
    },
  ],
  [rulesShape, { id: "Rules", description: "Rules in order: the first that matches decides." }],
  [
    targetsShape,
    {
      id: "Targets",
      description:
        "What goes: a target, with all its rules; or an object of target, ports, protocol, app and http, the one rule with these. What no rule has is ignored.",
    },
  ],
  [
    policyShape,
    {
      id: "Policy",
      description:
        "A policy. Missing keys, {} and null deny everything. An unknown key is named in `warnings`, or refused if the policy would mean something else without it.",
    },
  ],
  [modeShape, { id: "Mode", description: "In a word what the policy does." }],
  [
    enforcementModeShape,
    { id: "EnforcementMode", description: "Lookups alone, or lookups and connections." },
  ],
  [shownRuleShape, { id: "ShownRule", description: "A rule as its author spelt it." }],
  [shownPolicyShape, { id: "ShownPolicy", description: "The user's policy, in the user's order." }],
  [policyStateShape, { id: "PolicyState", description: "The policy in force." }],
  [
    policyChangeShape,
    {
      id: "PolicyChange",
      description:
        "The state after the change; with dryRun=true what it would be, and the rules that would come and go. `warnings` names what in the body was ignored.",
    },
  ],
  [auditShape, { id: "AuditMode", description: "Whether audit mode is to be on." }],
  [
    auditStateShape,
    { id: "AuditState", description: "Whether audit mode is on: the policy denies nothing then." },
  ],
  [
    suggestionShape,
    { id: "Suggestion", description: "A policy, or with details=true a policy and what is known of it." },
  ],
  [healthShape, { id: "Health", description: "What GET /healthz says." }],
  [shownTargetsShape, { id: "ShownTargets", description: "Targets of one of the operator's files." }],
  [layersShape, { id: "Layers", description: "All that decides, highest first; and what is not logged." }],
  [protectionShape, { id: "Protection", description: "One that depends on the machine or on a setting." }],
  [
    learnedAddressShape,
    { id: "LearnedAddress", description: "An address in force because allowed names have it." },
  ],
  [statusShape, { id: "Status", description: "What is in force." }],
  [explanationShape, { id: "Explanation", description: "What becomes of a name or an address, and why." }],
  [decisionShape, { id: "Decision", description: "What was decided on a lookup or a connection." }],
  [decisionsShape, { id: "Decisions", description: "The last decisions." }],
  ...VAULT_SHAPES,
  [problemShape, { id: "Problem", description: "What is wrong, and where: egress[3].target." }],
  [refusalCodeShape, { id: "RefusalCode", description: "Stable: programs may tell refusals apart by it." }],
  [problemDetailsShape, { id: "ProblemDetails", description: "RFC 9457 problem details." }],
];

const PLACE = "#/components/schemas/";

/** All schemas by name. */
export function createSchemas(): Readonly<Record<string, object>> {
  const registry = z.registry<Named>();
  for (const [shape, named] of NAMED) registry.add(shape, named);
  const { schemas } = z.toJSONSchema(registry, {
    io: "input",
    uri: (id) => `${PLACE}${id}`,
    metadata: registry,
  });
  return Object.fromEntries(
    Object.entries(schemas).map(([id, { $schema: _dialect, $id: _place, ...schema }]) => [id, schema]),
  );
}

/** Points to a schema of `createSchemas`. */
export function schemaReference(id: string): { readonly $ref: string } {
  return { $ref: `${PLACE}${id}` };
}
