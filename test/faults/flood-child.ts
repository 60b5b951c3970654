/**
 * Runs in a namespace of its own: learns addresses, a batch in each turn of the event loop, until standard
 * input ends, under a monitor that is told which are ours; says as JSON lines what it hears of others, and in
 * the end how many batches there were.
 */
import { compileRuleset } from "../../src/netfilter/chains/compile-ruleset.ts";
import { openLearnedSet } from "../../src/netfilter/io/learned-set.ts";
import { createNftApplier } from "../../src/netfilter/io/nft.ts";
import { openRulesetMonitor } from "../../src/netfilter/io/ruleset-monitor.ts";
import { rulesetInput } from "../netfilter/ruleset-input.ts";

const network = { interfaces: [], onLinkV4: [], onLinkV6: [], ipv6: true };
const applier = createNftApplier();
await applier.replace(compileRuleset(rulesetInput({ network })));

const set = openLearnedSet();
let batches = 0;
const monitor = openRulesetMonitor({
  ownPorts: [set.port],
  ownTransactions: () => batches,
  onForeignChange: (change) => say({ event: "foreign", ...change }),
});
say({ event: "ready" });
say({ event: "batches", batches });

process.stdin.resume();
let told = 0;
while (!process.stdin.readableEnded) {
  const v4 = batches % 2 === 0;
  const key = new Uint8Array(v4 ? [198, 18] : [0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
  const number = (batches >> 1) % 20_000;
  set.refresh(new Uint8Array([...key, number >> 8, number & 255]), 300_000, "flood.example.org");
  set.commit();
  batches += 1;
  if (batches >= told + 1000) {
    told = batches;
    say({ event: "batches", batches });
  }
  await new Promise(setImmediate);
}
monitor.close();
set.close();
say({ event: "done", batches });

function say(line: object): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}
