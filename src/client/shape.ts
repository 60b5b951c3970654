/**
 * Whether an answer has what its readers read: the answer need not be the sidecar's. A sample describes it: a
 * text stands for any text, an array's one item for all items. A key that ends in `?` may be missing, and
 * more keys may be there.
 */
export type Sample = string | number | boolean | readonly Sample[] | { readonly [key: string]: Sample };

export function hasShape(value: unknown, sample: Sample): boolean {
  if (typeof sample !== "object") return typeof value === typeof sample;
  if (typeof value !== "object" || value === null) return false;
  if (isList(sample)) {
    const [item] = sample;
    return Array.isArray(value) && (item === undefined || value.every((one) => hasShape(one, item)));
  }
  const found: Readonly<Record<string, unknown>> = { ...value };
  return Object.entries(sample).every(([written, part]) => {
    const key = written.replace(/\?$/, "");
    return (key !== written && found[key] === undefined) || hasShape(found[key], part);
  });
}

function isList(sample: Sample): sample is readonly Sample[] {
  return Array.isArray(sample);
}

const RULE = { action: "", "target?": "", "protocol?": "" };
const PROBLEM = { path: "", message: "" };
const STATE = { status: "", mode: "", enforcementMode: "" };
const ENDPOINT = { address: "", port: 0 };
const TARGETS = { total: 0 };

export const POLICY: Sample = { ...STATE, policy: { defaultAction: "", egress: [RULE] } };

export const CHANGE: Sample = {
  ...STATE,
  "reason?": "",
  "dryRun?": true,
  "added?": [RULE],
  "removed?": [RULE],
  "warnings?": [PROBLEM],
};

const ENTRY = { name: "", revision: 0, "problem?": "" };

export const VAULT: Sample = {
  revision: 0,
  credentials: [{ ...ENTRY, sourceType: "" }],
  bindings: [{ ...ENTRY, match: { hosts: [""] }, auth: { type: "" } }],
};

export const AUDIT: Sample = { status: "", enabled: true };

const VERDICT = { action: "", layer: "", "rule?": "" };
const MATCHES = [{ layer: "", action: "", target: "", position: 0, decides: true, "shadowedBy?": "" }];

export const EXPLANATION: Sample = {
  target: "",
  audit: true,
  reachable: true,
  because: "",
  patch: { "allow?": [RULE], "deny?": [RULE] },
  "name?": { decision: VERDICT, matches: MATCHES, answer: "" },
  addresses: [
    {
      address: "",
      names: [""],
      "secondsLeft?": 0,
      decision: VERDICT,
      matches: MATCHES,
      kernel: { passes: true, by: "" },
      flows: { answered: 0, unanswered: 0 },
      farEnd: "",
    },
  ],
  lookups: [{ decision: "", addresses: [""] }],
};

export const SUGGESTION: Sample = {
  policy: { defaultAction: "", egress: [RULE] },
  leftOut: [{ target: "", layer: "", rule: "" }],
  seen: { names: 0, addresses: 0, cut: 0 },
};

export const DECISION: Sample = {
  id: "",
  time: "",
  kind: "",
  decision: "",
  "name?": "",
  "type?": "",
  "protocol?": "",
  "port?": 0,
  addresses: [""],
  "moreAddresses?": 0,
  layer: "",
  "rule?": "",
  "reason?": "",
  "message?": "",
  "rcode?": "",
  "upstream?": "",
  "durationMs?": 0,
};

export const DECISIONS: Sample = { status: "", decisions: [DECISION], newest: "", "next?": "" };

export const STATUS: Sample = {
  ...STATE,
  version: "",
  "sandboxId?": "",
  uptimeSeconds: 0,
  health: { ok: true, "reason?": "" },
  audit: { enabled: true },
  layers: {
    denyAlways: TARGETS,
    allowAlways: TARGETS,
    user: { total: 0, defaultAction: "", etag: "" },
    logSkip: TARGETS,
  },
  ruleFiles: { "denyAlways?": "", "allowAlways?": "", "logSkip?": "" },
  ruleFileProblems: [PROBLEM],
  protections: [{ name: "", state: "", "reason?": "", required: true }],
  api: { tcp: true, "reason?": "" },
  interfaces: { guarded: [""], unguarded: [{ name: "", reason: "" }] },
  upstreams: [{ ...ENDPOINT, alive: true }],
  resolver: [ENDPOINT],
  learned: {
    total: 0,
    bound: 0,
    addresses: [{ address: "", owners: [""], "secondsLeft?": 0, secondsUnused: 0 }],
    "next?": "",
  },
  counters: {},
};
