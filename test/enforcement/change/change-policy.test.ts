import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ApplyError, PersistError } from "../../../src/enforcement/errors.ts";
import type { PolicyEdit } from "../../../src/enforcement/change/policy-control.ts";
import type { CompiledPolicy } from "../../../src/policy/compile.ts";
import { decideName } from "../../../src/policy/decide-name.ts";
import { parseDomainName } from "../../../src/policy/domain-name.ts";
import { DENY_ALL, renderPolicy } from "../../../src/policy/policy.ts";
import { policyOf, rulesOf, targets, targetsOf } from "../../support/policy.ts";
import { createFakeWorld } from "./change-policy-ports.ts";

const BASE = policyOf({
  egress: [
    { action: "allow", target: "example.com" },
    { action: "deny", target: "*.example.com" },
  ],
});

const ALLOW_ORG: PolicyEdit = { kind: "merge", rules: rulesOf([{ action: "allow", target: "example.org" }]) };

describe("a change", () => {
  test("writes beside the file, then gives the kernel the policy, then puts the file in place", async () => {
    const { changes, steps, stored } = await createFakeWorld({ policy: BASE });
    const outcome = await changes.change(ALLOW_ORG, {});
    expect(outcome.kind).toBe("changed");
    expect(steps).toEqual(["stage", "enforce", "commit"]);
    expect(stored()).toBe(JSON.stringify(renderPolicy(changes.snapshot().policy)));
  });

  test("answers with the state after it and the one before it", async () => {
    const { changes } = await createFakeWorld({ policy: BASE });
    const before = changes.snapshot();
    const outcome = await changes.change(ALLOW_ORG, {});
    expect(outcome).toEqual({ kind: "changed", state: changes.snapshot(), previous: before });
    expect(changes.snapshot().etag).not.toBe(before.etag);
  });

  test("merges by target, first one of the payload first", async () => {
    const { changes } = await createFakeWorld({ policy: BASE });
    const rules = rulesOf([
      { action: "deny", target: "blocked.com" },
      { action: "allow", target: " Example.COM." },
    ]);
    await changes.change({ kind: "merge", rules }, {});
    expect(renderPolicy(changes.snapshot().policy).egress).toEqual([
      { action: "deny", target: "blocked.com" },
      { action: "allow", target: " Example.COM." },
      { action: "deny", target: "*.example.com" },
    ]);
  });

  test("that removes nothing touches neither disk nor kernel", async () => {
    const { changes, steps, events } = await createFakeWorld({ policy: BASE });
    const outcome = await changes.change({ kind: "remove", targets: targetsOf(["nowhere.example"]) }, {});
    expect(outcome.kind).toBe("unchanged");
    expect(steps).toEqual([]);
    expect(events).toEqual([]);
  });

  test("that replaces a policy by the very same one is made all the same", async () => {
    const { changes, steps } = await createFakeWorld({ policy: BASE });
    for (const policy of [DENY_ALL, DENY_ALL]) {
      expect((await changes.change({ kind: "replace", policy }, {})).kind).toBe("changed");
    }
    expect(steps).toEqual(["stage", "enforce", "commit", "stage", "enforce", "commit"]);
  });

  test("is told to the audit as what it was asked", async () => {
    const { changes, events } = await createFakeWorld({ policy: BASE });
    await changes.change(ALLOW_ORG, {});
    expect(events).toEqual(["egress.updated merge"]);
  });

  test("to more rules than the cap is refused with both numbers, and nothing is touched", async () => {
    const { changes, steps } = await createFakeWorld({ policy: BASE, maxRules: 2 });
    expect(await changes.change(ALLOW_ORG, {})).toEqual({ kind: "too-many-rules", count: 3, limit: 2 });
    expect(steps).toEqual([]);
  });

  test.each([3, 0])("to three rules goes through under a cap of %i", async (maxRules) => {
    const { changes } = await createFakeWorld({ policy: BASE, maxRules });
    expect((await changes.change(ALLOW_ORG, {})).kind).toBe("changed");
  });

  test("that only tries changes nothing and shows what would be", async () => {
    const { changes, steps, events } = await createFakeWorld({ policy: BASE });
    const before = changes.snapshot();
    const outcome = await changes.change(ALLOW_ORG, { dryRun: true });
    expect(outcome.kind === "changed" && outcome.state.policy.egress.length).toBe(3);
    expect(changes.snapshot()).toBe(before);
    expect([...steps, ...events]).toEqual([]);
  });

  test("goes on only where If-Match holds", async () => {
    const { changes } = await createFakeWorld({ policy: BASE });
    const { etag } = changes.snapshot();
    const refused = await changes.change(ALLOW_ORG, { ifMatch: '"other"' });
    expect(refused).toEqual({ kind: "precondition-failed", etag });
    expect(await changes.change(ALLOW_ORG, { ifMatch: `W/${etag}` })).toMatchObject({
      kind: "precondition-failed",
    });
    expect(await changes.change(ALLOW_ORG, { ifMatch: `"x", ${etag}` })).toMatchObject({ kind: "changed" });
    expect(await changes.change(ALLOW_ORG, { ifMatch: "*" })).toMatchObject({ kind: "changed" });
  });

  test("of two with the same If-Match lets only the first through", async () => {
    const { changes } = await createFakeWorld({ policy: BASE });
    const { etag } = changes.snapshot();
    const outcomes = await Promise.all([
      changes.change(ALLOW_ORG, { ifMatch: etag }),
      changes.change({ kind: "replace", policy: DENY_ALL }, { ifMatch: etag }),
    ]);
    expect(outcomes.map(({ kind }) => kind)).toEqual(["changed", "precondition-failed"]);
  });
});

describe("a failed change", () => {
  const full = new PersistError("/var/egress/policy.json", Object.assign(new Error("x"), { code: "ENOSPC" }));

  test.each([
    { step: "stage", fault: full, steps: ["stage"] },
    { step: "enforce", fault: new Error("nft"), steps: ["stage", "enforce", "enforce", "discard"] },
    { step: "commit", fault: full, steps: ["stage", "enforce", "commit", "enforce", "discard"] },
  ] as const)(
    "at $step leaves memory, kernel and disk with the old policy",
    async ({ step, fault, steps }) => {
      const world = await createFakeWorld({ policy: BASE });
      const before = world.changes.snapshot();
      const { active } = world.changes.inForce();
      world.faults[step].push(fault);
      await expect(world.changes.change(ALLOW_ORG, {})).rejects.toBeInstanceOf(
        step === "enforce" ? ApplyError : PersistError,
      );
      expect(world.steps).toEqual(steps);
      expect(world.changes.snapshot()).toBe(before);
      expect(world.changes.inForce()).toEqual({ active, pending: undefined });
      expect(world.enforced.at(-1)).toBe(active);
      expect(world.stored()).toBeUndefined();
      expect(world.events).toHaveLength(1);
      expect(world.events[0]).toMatch(/^egress\.update_failed /);
      expect(await world.changes.health()).toEqual({ ok: true });
    },
  );

  test("does not keep the next one from going through", async () => {
    const world = await createFakeWorld({ policy: BASE });
    world.faults.enforce.push(new Error("nft"));
    await expect(world.changes.change(ALLOW_ORG, {})).rejects.toBeInstanceOf(ApplyError);
    expect((await world.changes.change(ALLOW_ORG, {})).kind).toBe("changed");
  });

  test("whose undoing fails too is bad health and both policies for lookups, until the kernel takes the old one", async () => {
    const world = await createFakeWorld({ policy: BASE, retryMs: 10 });
    const { active } = world.changes.inForce();
    world.faults.commit.push(full);
    world.faults.enforce.push(undefined, new Error("gone"), new Error("gone"));
    await expect(world.changes.change(ALLOW_ORG, {})).rejects.toBeInstanceOf(PersistError);
    expect(await world.changes.health()).toMatchObject({
      ok: false,
      reason: expect.stringContaining("gone"),
    });
    expect(world.changes.inForce().active).toBe(active);
    expect(world.changes.inForce().pending).toBeDefined();
    await expect.poll(() => world.changes.health()).toEqual({ ok: true });
    expect(world.changes.inForce()).toEqual({ active, pending: undefined });
    expect(world.enforced.at(-1)).toBe(active);
    await world.changes.close();
  });
});

describe("the policy in force", () => {
  test("is deny-all, and health is bad, until the start has put one into the kernel", async () => {
    const { changes } = await createFakeWorld({ isStarted: false });
    expect(changes.snapshot().policy).toBe(DENY_ALL);
    expect(await changes.health()).toEqual({ ok: false, reason: "the policy is not in the kernel yet" });
    await changes.start(BASE, { denyAlways: [], allowAlways: [] }, "environment");
    expect(changes.snapshot().policy).toBe(BASE);
    expect(await changes.health()).toEqual({ ok: true });
  });

  test("shows the coming policy beside the old one while the kernel takes it", async () => {
    const world = await createFakeWorld({ policy: BASE });
    const held = Promise.withResolvers<void>();
    world.hold = held.promise;
    const change = world.changes.change({ kind: "replace", policy: DENY_ALL }, {});
    await expect.poll(() => world.changes.inForce().pending).toBeDefined();
    const { active, pending } = world.changes.inForce();
    expect(decide(active, "example.com")).toBe("allow");
    expect(pending === undefined ? "none" : decide(pending, "example.com")).toBe("deny");
    expect(world.changes.snapshot().policy).toBe(BASE);
    held.resolve();
    await change;
    expect(world.changes.inForce()).toEqual({ active: pending, pending: undefined });
  });
});

describe("always-rules", () => {
  test("are enforced over the user's policy and never stored or shown", async () => {
    const world = await createFakeWorld({ policy: BASE });
    await world.changes.setAlwaysRules({ denyAlways: targets("example.com"), allowAlways: [] });
    expect(decide(world.changes.inForce().active, "example.com")).toBe("deny");
    expect(world.changes.snapshot().policy).toBe(BASE);
    expect(world.steps).toEqual(["enforce"]);
    await world.changes.change(ALLOW_ORG, {});
    expect(decide(world.changes.inForce().active, "example.com")).toBe("deny");
    expect(world.stored()).not.toContain('"deny","target":"example.com"');
  });

  test("that say the same leave the kernel alone", async () => {
    const world = await createFakeWorld({ policy: BASE });
    await world.changes.setAlwaysRules({ denyAlways: [], allowAlways: [] });
    expect(world.steps).toEqual([]);
  });

  test("that the kernel refuses stay out", async () => {
    const world = await createFakeWorld({ policy: BASE });
    world.faults.enforce.push(new Error("nft"));
    const always = { denyAlways: targets("example.com"), allowAlways: [] };
    await expect(world.changes.setAlwaysRules(always)).rejects.toBeInstanceOf(ApplyError);
    expect(decide(world.changes.inForce().active, "example.com")).toBe("allow");
  });

  test("whose failure repeats are told of once, until it is another, and again after a success", async () => {
    const world = await createFakeWorld({ policy: BASE });
    const apply = (...names: readonly string[]): Promise<void> =>
      world.changes.setAlwaysRules({ denyAlways: targets(...names), allowAlways: [] }).catch(() => undefined);
    const failing = async (...reasons: readonly string[]): Promise<number> => {
      const before = world.events.length;
      for (const reason of reasons) {
        world.faults.enforce.push(new Error(reason));
        await apply("example.com");
      }
      return world.events.slice(before).filter((line) => line.startsWith("egress.update_failed")).length;
    };
    expect(await failing("nft", "nft", "nft")).toBe(1);
    expect(await failing("memory", "memory")).toBe(1);
    await apply("example.org");
    expect(await failing("memory")).toBe(1);
  });
});

describe("concurrent changes", () => {
  const target = fc.constantFrom("a.example", "b.example", "*.example", "192.0.2.0/24", "A.example.");
  const rule = fc.record({ action: fc.constantFrom("allow", "deny"), target });
  const rules = fc.array(rule, { minLength: 1, maxLength: 4 });
  const request = fc.oneof(
    rules.map((given) => ({ kind: "merge" as const, given })),
    rules.map((given) => ({ kind: "replace" as const, given })),
    fc.array(target, { minLength: 1 }).map((given) => ({ kind: "remove" as const, given })),
  );
  const fault = fc.constantFrom(undefined, undefined, "stage", "enforce", "commit");

  test("come out as if made one after the other, failed ones not at all", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(request, { maxLength: 12 }), fc.array(fault), async (requests, faults) => {
        const world = await createFakeWorld();
        world.faultPlan.push(...faults);
        await Promise.allSettled(requests.map((one) => world.changes.change(toEdit(one), {})));
        const expected = model(requests, faults);
        expect(renderPolicy(world.changes.snapshot().policy).egress).toEqual(expected.rules);
        expect(JSON.parse(world.stored() ?? "null")?.egress).toEqual(expected.stored);
        expect(world.enforced.at(-1)).toBe(world.changes.inForce().active);
        expect(world.changes.inForce().pending).toBeUndefined();
      }),
      { numRuns: 200 },
    );
  });
});

type WrittenRule = { readonly action: string; readonly target: string };
type Request =
  | { readonly kind: "merge" | "replace"; readonly given: readonly WrittenRule[] }
  | { readonly kind: "remove"; readonly given: readonly string[] };

function toEdit(request: Request): PolicyEdit {
  if (request.kind === "remove") return { kind: "remove", targets: targetsOf(request.given) };
  if (request.kind === "merge") return { kind: "merge", rules: rulesOf(request.given) };
  return { kind: "replace", policy: policyOf({ egress: request.given }) };
}

/** What is left in memory and on the disk, by plain lists. */
function model(requests: readonly Request[], faults: readonly (string | undefined)[]) {
  const plan = [...faults];
  let rules: readonly WrittenRule[] = [];
  let stored: readonly WrittenRule[] | undefined;
  for (const request of requests) {
    const next = modelEdit(rules, request);
    if (request.kind === "remove" && next.length === rules.length) continue;
    if (plan.shift() !== undefined) continue;
    rules = next;
    stored = next;
  }
  return { rules, stored };
}

function modelEdit(rules: readonly WrittenRule[], request: Request): readonly WrittenRule[] {
  if (request.kind === "replace") return request.given;
  const keys = request.given.map((one) => modelKey(typeof one === "string" ? one : one.target));
  const kept = rules.filter((rule) => !keys.includes(modelKey(rule.target)));
  if (request.kind === "remove") return kept;
  return [...request.given.filter((_, index) => keys.indexOf(keys[index] ?? "") === index), ...kept];
}

function modelKey(target: string): string {
  return target.toLowerCase().replace(/\.$/, "");
}

function decide(policy: CompiledPolicy, host: string): string {
  const name = parseDomainName(host);
  return name.ok ? decideName(policy, name.value).action : "none";
}
