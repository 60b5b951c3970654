/**
 * What it costs to tell of a lookup, in nanoseconds: from the resolver's event to all that hears of it
 * without anybody asking. Names are made anew, as the resolver makes them; the time that this takes is
 * measured beside it and taken off. Prints one number, for `all`, or for the log alone.
 *
 *     node test/bench/load/telling.ts all
 */
import { createLog } from "../../../src/audit/log.ts";
import { createDecisionCounts } from "../../../src/decisions/count-decisions.ts";
import { tellAll } from "../../../src/decisions/decision-event.ts";
import { createDecisionRing } from "../../../src/decisions/decision-ring.ts";
import { createPreparedAnswer } from "../../../src/dns/answer/prepared-answer.ts";
import { createLookupEvents } from "../../../src/dns/lookup-events.ts";
import { createLookupAudit } from "../../../src/enforcement/lookups/lookup-audit.ts";
import { createUnixTime } from "../../../src/enforcement/lookups/unix-time.ts";
import { createSeen } from "../../../src/enforcement/seen/seen-targets.ts";
import { decideName } from "../../../src/policy/decide-name.ts";
import { compiled, denyByDefault, qname } from "../../support/policy.ts";

const LOOKUPS = 20_000;
const RUNS = 300;
const WARM_UP = 30;
/** The runs that nobody has interrupted are the quick ones. */
const QUICK = 0.05;

const policy = compiled(denyByDefault("allow *.bench.example"));
const log = createLog({
  logLevel: "warn",
  logOutputs: ["/dev/null"],
  sandboxId: undefined,
  extraAttributes: {},
  lookupLinesPerSecond: 0,
});
const heard = [log.audit.decided, createDecisionRing(4096).record, createDecisionCounts().count];
const seen = createSeen(() => false);
const decided = process.argv[2] === "log" ? log.audit.decided : tellAll([tellAll(heard), seen.decided]);
const tell = createLookupEvents(
  createLookupAudit({
    audit: { decided, lookupsLimited: () => undefined },
    recordDuration: () => undefined,
    whyWithheld: () => ({ layer: "built-in", rule: undefined, reason: undefined }),
    policy: () => policy,
    unixMs: createUnixTime(Date.now),
  }),
);

const text = Buffer.from("n0000000.bench.example");
const lookup = {
  qname: qname(text.toString("latin1")),
  qtype: 1,
  decision: decideName(policy, qname("n1.bench.example")),
  upstream: 0,
  durationMs: 1.5,
  nowMs: performance.now(),
};
const answer = createPreparedAnswer();
answer.octets = Buffer.alloc(512);
answer.addressCount = 1;

function run(isTold: boolean): number {
  const from = performance.now();
  for (let i = 0; i < LOOKUPS; i++) {
    text.writeUInt8(48 + (i % 10), 7);
    lookup.qname = qname(text.toString("latin1"));
    lookup.nowMs += 0.01;
    if (isTold) tell(lookup, "answered", 0, answer);
  }
  return ((performance.now() - from) * 1e6) / LOOKUPS;
}

function quick(runs: readonly number[]): number {
  return runs.toSorted((a, b) => a - b)[Math.floor(runs.length * QUICK)] ?? 0;
}

const told: number[] = [];
const untold: number[] = [];
for (let i = -WARM_UP; i < RUNS; i++) {
  const [without, withTelling] = [run(false), run(true)];
  if (i < 0) continue;
  untold.push(without);
  told.push(withTelling);
}
process.stdout.write(`${(quick(told) - quick(untold)).toFixed(1)}\n`);
