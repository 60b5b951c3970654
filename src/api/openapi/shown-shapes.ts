/** Shapes that more than one answer has. */
import * as z from "zod";

export const modeShape = z.enum(["allow_all", "deny_all", "enforcing"]);
export const enforcementModeShape = z.enum(["dns", "dns+nft"]);
export const shownRuleShape = z.object({
  action: z.enum(["allow", "deny"]),
  target: z.string().optional().describe("Missing if the rule speaks of every destination."),
  ports: z.array(z.union([z.number(), z.string()])).optional(),
  protocol: z.string().optional(),
  app: z.string().optional(),
  http: z
    .object({ methods: z.array(z.string()).optional(), paths: z.array(z.string()).optional() })
    .optional(),
});
export const problemShape = z.object({ path: z.string(), message: z.string() });
