/** The answer of `GET /explain`. */
import * as z from "zod";
import { LAYERS } from "../../decisions/decision-event.ts";
import { TRIED_PROTOCOLS, type VerdictReason } from "../../enforcement/explain/kernel-verdict.ts";
import { SPOKEN_APPS } from "../../policy/app.ts";
import { decisionShape } from "./decision-shapes.ts";
import { shownRuleShape } from "./shown-shapes.ts";

const actionShape = z.enum(["allow", "deny"]);
const verdictShape = z
  .object({ action: actionShape, layer: z.enum(LAYERS), rule: z.string().optional() })
  .describe("The policy's, whether audit mode is on or not; without a rule the default action's.");

const matchesShape = z
  .array(
    z.object({
      layer: z.enum(LAYERS),
      action: actionShape,
      target: z.string(),
      position: z.number().int().describe("In its list, from 1."),
      decides: z.boolean(),
      shadowedBy: z
        .string()
        .optional()
        .describe("The target of an earlier rule that matches all that this one does: it never decides."),
    }),
  )
  .describe("Every rule that matches, the deciding one first.");

const REASONS = [
  "mode",
  "resolver",
  "exempt",
  "upstream",
  "loopback",
  "group",
  "dns-over-tls",
  "dns-over-https",
  "rule",
  "learned",
  "ports",
  "revoked",
  "default",
] as const satisfies readonly VerdictReason[];

const addressShape = z.object({
  address: z.string(),
  names: z.array(z.string()).describe("Names that gave it, the latest first."),
  secondsLeft: z.number().int().optional().describe("Where it is in force since a lookup gave it."),
  decision: verdictShape,
  matches: matchesShape,
  kernel: z
    .object({ passes: z.boolean(), by: z.enum(REASONS) })
    .describe("Whether a first packet passes now, and what decides."),
  flows: z.object({ answered: z.number().int(), unanswered: z.number().int() }),
  farEnd: z
    .enum(["answers", "silent", "refuses", "unreachable", "unknown"])
    .describe(
      "By the kernel's table of flows, or by a try. unknown: there is no flow, as after the far end has refused one; only a try gives refuses and unreachable.",
    ),
  tried: z.literal(true).optional().describe("farEnd is what a connection of the sidecar's own has shown."),
});

export const explanationShape = z.object({
  status: z.literal("ok"),
  target: z.string(),
  port: z.number().int().optional(),
  protocol: z.enum(TRIED_PROTOCOLS),
  app: z.enum(SPOKEN_APPS).optional(),
  audit: z.boolean(),
  reachable: z
    .boolean()
    .describe(
      "Whether a process of the sandbox gets there now, as far as the sidecar knows; false if a try got no answer.",
    ),
  because: z.string().describe("For people."),
  patch: z
    .object({ allow: z.array(shownRuleShape).optional(), deny: z.array(shownRuleShape).optional() })
    .describe(
      "The smallest rules for PATCH /policy that would allow or deny it; empty if it is so already; missing if no rule of the user's can.",
    ),
  name: z
    .object({
      decision: verdictShape,
      matches: matchesShape,
      answer: z
        .enum(["own", "asked", "nxdomain", "nodata"])
        .describe("What the resolver does: answers by itself, asks, or says so of a denied name."),
    })
    .optional(),
  interception: z
    .object({
      intercepted: z
        .boolean()
        .describe("Whether requests over the connection that was asked for, or over any, are read."),
      bindings: z.array(
        z.object({
          name: z.string(),
          ports: z.array(z.number().int()),
          since: z.string().describe("When it was last written."),
          problem: z.string().optional().describe("Why no request gets its credential."),
        }),
      ),
    })
    .optional()
    .describe("Of a name, where interception is on: the bindings that name it."),
  request: z
    .object({
      method: z.string(),
      path: z.string(),
      decision: verdictShape.optional().describe("Missing where no rule speaks of requests to the host."),
      ambiguous: z.literal(true).optional().describe("Refused: servers may read its path in two ways."),
    })
    .optional()
    .describe("Where a method or a path was asked for."),
  spoken: z
    .array(
      z.object({
        app: z.enum([...SPOKEN_APPS, "other"]).describe("other: none of the others."),
        name: z.string().optional().describe("That it is taken to show."),
        passes: z.boolean(),
        fault: z.string().optional().describe("Why it is refused, or would be without audit mode."),
        decision: verdictShape,
      }),
    )
    .optional()
    .describe(
      "What becomes of a connection by what it speaks: of the app that was asked for, or of each, if rules for the target ask for one at the port.",
    ),
  addresses: z.array(addressShape).describe("Of a name those in force, and those of its last lookups."),
  lookups: z.array(decisionShape).describe("Of a name the last one of each type."),
});
