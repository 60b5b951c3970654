/** The answer of `GET /status`. */
import * as z from "zod";
import { listProtectionNames } from "../../protections/protection.ts";
import { enforcementModeShape, modeShape, problemShape, shownRuleShape } from "./shown-shapes.ts";

const count = z.number().int().nonnegative();
const endpointKeys = { address: z.string(), port: z.number().int() };

export const healthShape = z.object({
  ok: z.boolean(),
  reason: z.string().optional().describe("Where ok is false."),
});

export const shownTargetsShape = z.object({
  total: count,
  shown: z.array(z.string()).describe("The first 1000."),
});

export const layersShape = z.object({
  denyAlways: shownTargetsShape,
  allowAlways: shownTargetsShape,
  user: z.object({
    total: count,
    shown: z.array(shownRuleShape).describe("The first 1000; GET /policy has all."),
    defaultAction: z.enum(["allow", "deny"]),
    etag: z.string(),
    unread: z
      .array(shownRuleShape)
      .optional()
      .describe(
        "Rules with http that deny, since no binding has their hosts' requests read; the first 1000.",
      ),
  }),
  logSkip: shownTargetsShape,
});

export const protectionShape = z.object({
  name: z.enum(listProtectionNames()),
  state: z.enum(["on", "off"]),
  reason: z.string().optional().describe("Where it is off."),
  required: z.boolean().describe("OPENSANDBOX_EGRESS_REQUIRE names it."),
});

const interfacesShape = z
  .object({
    guarded: z.array(z.string()),
    unguarded: z.array(z.object({ name: z.string(), reason: z.string() })),
  })
  .describe("All but lo, and whether raw frames leave by them. Both lists are empty in mode dns.");

export const learnedAddressShape = z.object({
  address: z.string(),
  owners: z.array(z.string()).describe("Names that gave it, the latest first."),
  secondsLeft: count.optional().describe("Missing if the kernel did not say whether it took the address."),
  secondsUnused: count.describe(
    "Since a lookup gave it, or a flow was seen to use it; some seconds too many at most.",
  ),
});

const learnedShape = z.object({
  total: count.describe("Some of them may have just run out."),
  bound: count,
  addresses: z.array(learnedAddressShape).describe("One page."),
  next: z.string().optional().describe("The `after` of the next page; missing on the last one."),
});

const path = z.string().optional();

export const statusShape = z.object({
  status: z.literal("ok").describe("Of the answer. `health` is the sidecar's."),
  mode: modeShape,
  enforcementMode: enforcementModeShape,
  version: z.string(),
  sandboxId: z.string().optional(),
  uptimeSeconds: count,
  health: healthShape,
  audit: z.object({ enabled: z.boolean() }).describe("In audit mode the policy denies nothing."),
  generation: z
    .number()
    .int()
    .optional()
    .describe("The number of the ruleset in force, which accepted flows carry. Missing in mode dns."),
  layers: layersShape,
  ruleFiles: z
    .object({ denyAlways: path, allowAlways: path, logSkip: path })
    .describe(
      "The file in force for each list: the operator's, else the shipped one; missing if there is neither.",
    ),
  ruleFileProblems: z.array(problemShape),
  protections: z.array(protectionShape),
  api: z
    .object({ tcp: z.boolean(), reason: z.string().optional() })
    .describe("Whether callers over TCP are taken; else why not. It is tried again and again."),
  interfaces: interfacesShape,
  upstreams: z.array(z.object({ ...endpointKeys, alive: z.boolean() })),
  resolver: z.array(z.object(endpointKeys)).describe("Where lookups are redirected to."),
  learned: learnedShape,
  counters: z
    .record(z.string(), z.number())
    .describe("By the metrics' names: counts since the start, and sizes now."),
});
