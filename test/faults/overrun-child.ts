/**
 * Runs in a namespace of its own, with sockets that have little room for the kernel's answers: says as JSON
 * what happens to batches that bring more, as each of their messages fails, and to those after.
 */
import { execFileSync } from "node:child_process";
import { compileRuleset } from "../../src/netfilter/chains/compile-ruleset.ts";
import { LearnedSetError } from "../../src/netfilter/errors.ts";
import { openDeltaSocket } from "../../src/netfilter/io/delta-socket.ts";
import { openLearnedSet } from "../../src/netfilter/io/learned-set.ts";
import { createNftApplier } from "../../src/netfilter/io/nft.ts";
import { rulesetInput } from "../netfilter/ruleset-input.ts";
import { compiledPolicy } from "../support/policy.ts";

const ROOM_OF_CHANGES = 4 << 10;
const ROOM_OF_LEARNED = 16 << 10;
const MANY = 60;
const network = { interfaces: [], onLinkV4: [], onLinkV6: [], ipv6: true };

const numbers = Array.from({ length: MANY }, (_, index) => index);
const keys = {
  v4: (index: number) => new Uint8Array([203, 0, 113, index]),
  v6: (index: number) => new Uint8Array([0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, index]),
};

const deltas = openDeltaSocket(ROOM_OF_CHANGES);
const applier = createNftApplier({ deltas });
let generation = 1;
const load = async (...rules: string[]): Promise<boolean> => {
  generation += 1;
  const policy = compiledPolicy("deny", ...rules);
  return (await applier.replace(compileRuleset(rulesetInput({ network, policy, generation })))).foundDrift;
};
await load();
const manyRules = numbers
  .slice(0, 20)
  .flatMap((index) => [`allow 203.0.113.${2 * index}`, `allow 2001:db8:${2 * index}::/64`]);
const changes = {
  small: await load("allow 203.0.113.1", "allow 2001:db8::1"),
  many: await without("table inet opensandbox", () => load(...manyRules)),
  smallAgain: await load(...manyRules, "allow 203.0.113.201", "allow 2001:db8:1::1"),
};

const set = openLearnedSet(ROOM_OF_LEARNED);
const learn = (family: "v4" | "v6", count: number): string => {
  for (const index of numbers.slice(0, count)) set.refresh(keys[family](index), 300_000, "one.example.org");
  try {
    set.commit();
    return "in force";
  } catch (error) {
    if (!(error instanceof LearnedSetError)) throw error;
    return error.code;
  }
};
const learned = [];
for (const family of ["v4", "v6"] as const) {
  const first = learn(family, 5);
  const many = await without("table inet opensandbox", () => learn(family, MANY));
  generation += 1;
  await createNftApplier().replace(compileRuleset(rulesetInput({ network, generation })));
  learned.push([first, many, learn(family, 5), [...set.dump(family === "v4" ? 4 : 6)].flat().length]);
}
process.stdout.write(JSON.stringify({ changes, learned }));
deltas.close();
set.close();

async function without<T>(what: string, act: () => T | Promise<T>): Promise<T> {
  execFileSync("nft", ["delete", ...what.split(" ")]);
  return act();
}
