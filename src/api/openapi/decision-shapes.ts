/** The answer of `GET /decisions`, and the data of an event of `GET /events`. */
import * as z from "zod";
import { KINDS, LAYERS, OUTCOMES, REASONS } from "../../decisions/decision-event.ts";

const count = z.number().int().nonnegative();

export const decisionShape = z.object({
  id: z
    .string()
    .describe("Of this run of the sidecar; later decisions have greater numbers behind the dash."),
  time: z.string().describe("UTC, as 2026-01-02T03:04:05.678Z."),
  kind: z.enum(KINDS),
  decision: z
    .enum(OUTCOMES)
    .describe(
      "withheld: the name is allowed, and each of its addresses was taken out. nxdomain, nodata: what the upstream says of an allowed name. failed: an allowed name got no answer. audited: the policy would deny it, and audit mode has let it through.",
    ),
  name: z
    .string()
    .optional()
    .describe("Of a connection the name that last gave the address; missing if none is known."),
  type: z.string().optional().describe("Of a lookup, such as AAAA."),
  protocol: z
    .string()
    .optional()
    .describe("Of a connection: tcp, udp, icmp and such, or the protocol's number."),
  port: count.optional().describe("Of a connection; missing if the protocol has none."),
  addresses: z
    .array(z.string())
    .describe(
      "Of an allowed lookup the first eight that it gave; of a withheld one the first that was taken out; of a connection the far end's.",
    ),
  moreAddresses: count.optional().describe("How many there were beyond these."),
  layer: z.enum(LAYERS).describe("Who decided."),
  rule: z.string().optional().describe("The target of the rule that decided; missing when none did."),
  reason: z.enum(REASONS).optional().describe("What the decision alone does not say."),
  message: z.string().optional().describe("The reason in words."),
  takenOut: z
    .object({
      count: count.describe("How many."),
      first: z.string(),
      layer: z.enum(LAYERS).describe("Who decided on the first."),
      rule: z.string().optional(),
      reason: z.enum(REASONS).optional(),
      message: z.string().optional(),
    })
    .optional()
    .describe(
      "Of an allowed lookup: addresses that were taken out of an answer that keeps others. Told by a lookup that asked an upstream, not by those that the cache answers.",
    ),
  rcode: z.string().optional().describe("What the client of a lookup was told, such as NXDOMAIN."),
  upstream: z
    .string()
    .optional()
    .describe(
      "Who answered, or if none did was asked last; missing for the cache and for answers of our own.",
    ),
  durationMs: z.number().optional().describe("From asking the upstreams on; missing if none was asked."),
});

export const decisionsShape = z.object({
  status: z.literal("ok"),
  decisions: z.array(decisionShape).describe("The newest first."),
  newest: z.string().describe("As Last-Event-ID of GET /events it continues from this answer without a gap."),
  next: z.string().optional().describe("The `after` of the next page; missing if there is none."),
});
