/**
 * Runs in the sandbox's namespace: reads held packets for the ruleset that is in force, where
 * `one.example.org` is the only name that is allowed. Arguments: the generation, and `alone` if the ruleset
 * leaves all answers to the reader.
 */
import { openNameReader } from "../../src/enforcement/names/name-reader.ts";
import { createNameLabels } from "../../src/enforcement/names/name-labels.ts";
import { openQueueChains } from "../../src/netfilter/io/queue-chain.ts";
import { renderAddress, renderIpv6 } from "../../src/policy/address.ts";
import { NAMES } from "./name-marks.ts";

const [, , generation, answers] = process.argv;
const marks = { ...NAMES, judgesAnswers: answers !== "alone" };
const say = (line: object): void => console.log(JSON.stringify(line));
const reader = openNameReader({
  ...marks,
  generation: () => Number(generation),
  findFault: ({ kind, name }) =>
    kind === "other" || name === "one.example.org" ? undefined : `${name ?? "no name"} is not allowed`,
  findDemand: () => "name",
  passesOddForm: () => false,
  labels: createNameLabels(),
  nowMs: () => performance.now(),
  onRefused: ({ name, reason, address, port }) =>
    say({
      event: "refused",
      name,
      reason,
      address: address.length === 4 ? renderAddress(address) : renderIpv6(address),
      port,
    }),
});
openQueueChains(marks).fill();
setInterval(() => {
  const fault = reader.look();
  if (fault !== undefined) say({ event: "fault", fault });
}, 1000);
say({ event: "ready" });
