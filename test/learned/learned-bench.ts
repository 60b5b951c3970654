/** Learned addresses over a kernel that is a model, on a clock that the test turns. */
import {
  createLearnedAddresses,
  type LearnedAddresses,
  type LearnedAddressesOptions,
} from "../../src/learned/learned-addresses.ts";
import { flowsToLearn } from "../../src/policy/flows-to-learn.ts";
import { createWithheldAddresses, type WithheldAddresses } from "../../src/learned/withheld.ts";
import { type CompiledPolicy } from "../../src/policy/compile.ts";
import type { DomainName } from "../../src/policy/domain-name.ts";
import { createFakeLearnedSet, type FakeLearnedSet } from "../support/fake-learned-set.ts";
import { compiledOf, nameOf } from "../support/policy.ts";

export interface Bench {
  readonly kernel: FakeLearnedSet;
  readonly learned: LearnedAddresses;
  readonly withheld: WithheldAddresses;
  readonly refusals: unknown[];
  nowMs: number;
}

export interface ScopedBench extends Bench {
  /** The policy that lookups are under. */
  readonly inForce: { policy: CompiledPolicy };
}

/** One whose names open what a policy allows; over another's kernel, which then goes by that one's clock. */
export function createScopedBench(kernel?: FakeLearnedSet): ScopedBench {
  const inForce = { policy: compiledOf({}) };
  const bench = createBench({ kernel, flowsToLearn: (qname) => flowsToLearn(inForce.policy, qname) });
  return Object.assign(bench, { inForce });
}

type BenchOptions = {
  readonly kernel?: FakeLearnedSet | undefined;
  readonly flowsToLearn?: LearnedAddressesOptions["flowsToLearn"];
};

export function createBench({ kernel: held, flowsToLearn: opened }: BenchOptions = {}): Bench {
  const refusals: unknown[] = [];
  const clock = { nowMs: 1_000_000 };
  const kernel = held ?? createFakeLearnedSet(() => clock.nowMs);
  const withheld = createWithheldAddresses([], () => 0);
  const learned = createLearnedAddresses({
    drawSeed: () => 0,
    set: kernel,
    withheld,
    nowMs: () => clock.nowMs,
    onRefused: (error) => refusals.push(error),
    graceSeconds: 600,
    ...(opened === undefined ? {} : { flowsToLearn: opened }),
    wildcardOf: (qname) => (qname.endsWith(".wild.example") ? nameOf("wild.example") : undefined),
  });
  return {
    kernel,
    learned,
    withheld,
    refusals,
    get nowMs() {
      return clock.nowMs;
    },
    set nowMs(value) {
      clock.nowMs = value;
    },
  };
}

export const A = nameOf("a.example");
export const B = nameOf("b.example");
export const ADDRESS = Uint8Array.of(192, 0, 2, 7);
export const OTHER = Uint8Array.of(192, 0, 2, 8);
export const SIX = Uint8Array.from([0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9]);

export function policy(...allowed: string[]): CompiledPolicy {
  return compiledOf({ egress: allowed.map((target) => ({ action: "allow", target })) });
}

export function learn(bench: Bench, qname: DomainName, address: Uint8Array, ttlSeconds: number): boolean {
  bench.learned.learn(qname, address, 0, address.length === 4 ? 4 : 16, ttlSeconds);
  return bench.learned.commit();
}

export const addressOf = (index: number): Uint8Array =>
  Uint8Array.of(198, 18 + (index >> 16), (index >> 8) & 255, index & 255);
export const text = (octets: Uint8Array): string => octets.join(".");
