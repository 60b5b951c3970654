/** The parameters that calls may carry. */
import { KINDS, OUTCOMES } from "../../decisions/decision-event.ts";
import { DECISIONS_LIMIT } from "../decisions-query.ts";
import { SPOKEN_APPS } from "../../policy/app.ts";
import { TRIED_PROTOCOLS } from "../../enforcement/explain/kernel-verdict.ts";
import { PAGE_LIMIT } from "../status-page.ts";

export const PARAMETERS = {
  entryName: {
    name: "name",
    in: "path",
    required: true,
    description: "The name, percent-encoded.",
    schema: { type: "string" },
  },
  ifMatch: {
    name: "If-Match",
    in: "header",
    description: "The ETag of the policy that the change is meant for; if another holds, the answer is 412.",
    schema: { type: "string" },
  },
  dryRun: {
    name: "dryRun",
    in: "query",
    description: "true: answer what would change, and change nothing.",
    schema: { type: "boolean", default: false },
  },
  explainTarget: {
    name: "target",
    in: "query",
    required: true,
    description: "A name or an address.",
    schema: { type: "string" },
  },
  explainPort: {
    name: "port",
    in: "query",
    description: "The port of a connection; without it, one that no rule for ports speaks of.",
    schema: { type: "integer", minimum: 1, maximum: 65_535 },
  },
  explainProtocol: {
    name: "protocol",
    in: "query",
    description: "How a connection is tried.",
    schema: { type: "string", enum: [...TRIED_PROTOCOLS], default: "tcp" },
  },
  explainApp: {
    name: "app",
    in: "query",
    description:
      "What the connection speaks: TLS and HTTP that show the target's name, SSH, PostgreSQL in the clear; needs a port, and tcp.",
    schema: { type: "string", enum: [...SPOKEN_APPS] },
  },
  explainMethod: {
    name: "method",
    in: "query",
    description: "Of a request to a name, over port 443 or 80: its method; default GET where path is given.",
    schema: { type: "string" },
  },
  explainPath: {
    name: "path",
    in: "query",
    description: "The same: its path as it is sent, without the query; default / where method is given.",
    schema: { type: "string" },
  },
  explainTry: {
    name: "try",
    in: "query",
    description: "true: open a connection to see what the far end does; needs a port, and tcp.",
    schema: { type: "boolean", default: false },
  },
  wildcards: {
    name: "wildcards",
    in: "query",
    description: "true: one wildcard in the place of several names below it.",
    schema: { type: "boolean", default: false },
  },
  portsSeen: {
    name: "ports",
    in: "query",
    description:
      "true: rules for the ports and protocols that connections were seen to, where any was; a wildcard then stands for names that were seen on the same.",
    schema: { type: "boolean", default: false },
  },
  details: {
    name: "details",
    in: "query",
    description: "true: the policy under `policy`, with what it leaves out and how much was seen.",
    schema: { type: "boolean", default: false },
  },
  limit: {
    name: "limit",
    in: "query",
    description: "How many learned addresses to show.",
    schema: { type: "integer", minimum: 0, maximum: PAGE_LIMIT.most, default: PAGE_LIMIT.default },
  },
  after: {
    name: "after",
    in: "query",
    description: "The `next` of the page before.",
    schema: { type: "string", pattern: "^\\d{1,16}$" },
  },
  decisionsLimit: {
    name: "limit",
    in: "query",
    description: "How many decisions to show.",
    schema: {
      type: "integer",
      minimum: 0,
      maximum: DECISIONS_LIMIT.most,
      default: DECISIONS_LIMIT.default,
    },
  },
  decisionsAfter: {
    name: "after",
    in: "query",
    description: "The `next` of the page before.",
    schema: { type: "string" },
  },
  decision: {
    name: "decision",
    in: "query",
    description: `One or several, joined by commas, of ${OUTCOMES.join(", ")}.`,
    schema: { type: "string" },
  },
  name: {
    name: "name",
    in: "query",
    description: "A name, or a wildcard for every name below one.",
    schema: { type: "string" },
  },
  address: {
    name: "address",
    in: "query",
    description: "An address or a prefix.",
    schema: { type: "string" },
  },
  kind: {
    name: "kind",
    in: "query",
    description: "Lookups or connections alone.",
    schema: { type: "string", enum: [...KINDS] },
  },
  lastEventId: {
    name: "Last-Event-ID",
    in: "header",
    description:
      "The id of the last event that was seen, or `newest` of GET /decisions: what came since is sent first.",
    schema: { type: "string" },
  },
} as const;

export type ParameterName = keyof typeof PARAMETERS;
