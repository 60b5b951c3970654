import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { runToEnd } from "../../../src/policy/steps.ts";
import type { Result } from "../../../src/policy/problem.ts";
import { openVault, type OpenVault } from "../../../src/vault/io/open-vault.ts";
import { createVaultParser } from "../../../src/vault/request/parse-vault-request.ts";
import { Secret } from "../../../src/vault/secret.ts";
import type { VaultChange, VaultFault } from "../../../src/vault/vault-control.ts";
import { allowByDefault, compiled, valueOf } from "../../support/policy.ts";

const { parseRequest, parseMutation } = createVaultParser({ requireScopedMatch: false });
const POLICY = compiled(allowByDefault());
const FAILED: Result<Secret> = {
  ok: false,
  problems: [{ path: "", message: "the command ended with status 1" }],
};

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** A vault with fake sources; each reading gives the next of the results. */
function open(checked: () => Promise<void> = async () => undefined) {
  let check = checked;
  const results: (Result<Secret> | Promise<Result<Secret>>)[] = [];
  const events: (VaultChange | VaultFault)[] = [];
  let readings = 0;
  let guarded = 0;
  const opened = openVault({
    load: async (source) => {
      if (source.type === "inline") return { ok: true, value: source.value };
      readings += 1;
      return results.shift() ?? FAILED;
    },
    audit: {
      vaultChanged: (change) => void events.push(change),
      vaultFault: (fault) => void events.push(fault),
    },
    async takeSteps(steps) {
      await check();
      return runToEnd(steps);
    },
    nowMs: () => Date.now(),
    guardMemory: () => {
      guarded += 1;
    },
  });
  const control = opened.control({
    exclusively: async (task) => ({
      kind: "done",
      value: await task(POLICY, { narrow: async () => undefined, follow: async () => POLICY }),
    }),
  });
  return {
    ...opened,
    control,
    results,
    events,
    readings: () => readings,
    guarded: () => guarded,
    holdChecks(until: Promise<void>) {
      check = async () => until;
    },
  };
}

function injected({ vault }: Pick<OpenVault, "vault">): readonly string[] {
  return vault.inForce().bindings.flatMap(({ headers }) => headers.map(({ value }) => value.reveal()));
}

function mutationOf(value: object) {
  return valueOf(parseMutation(JSON.stringify(value)));
}

const good = (value: string): Result<Secret> => ({ ok: true, value: new Secret(value) });
const BINDING = {
  name: "b",
  match: { hosts: ["api.example.org"] },
  auth: { type: "bearer", credential: "gh" },
};

function requestOf(source: object) {
  return valueOf(
    parseRequest(JSON.stringify({ credentials: [{ name: "gh", source }], bindings: [BINDING] })),
  );
}

const HOURLY = { type: "command", command: ["token"], refreshAfter: 3600 };
const HOUR_MS = 3_600_000;

describe("a source that is read again", () => {
  test("gives its new value to the next request, under the same id and revision", async () => {
    const opened = open();
    opened.results.push(good("first"), good("second"));
    expect((await opened.control.create(requestOf(HOURLY))).kind).toBe("done");
    const before = opened.vault.inForce();
    await vi.advanceTimersByTimeAsync(HOUR_MS - 1);
    expect(opened.vault.inForce()).toBe(before);
    await vi.advanceTimersByTimeAsync(1);
    const after = opened.vault.inForce();
    expect(injected(opened)).toEqual(["Bearer second"]);
    expect(after.revision).toBe(1);
    expect(after.tag).toBeGreaterThan(before.tag);
    expect(after.bindings[0]?.credentialIds).toEqual(before.bindings[0]?.credentialIds);
    expect(after.secrets.map((secret) => secret.reveal())).toEqual([
      "second",
      "first",
      "Bearer second",
      "Bearer first",
    ]);
  });

  test("keeps the last four values among those that must not come back, also while it gives none", async () => {
    const opened = open();
    const source = { type: "command", command: ["x"], refreshAfter: 10 };
    opened.results.push(...["one", "two", "three", "four", "five", "six"].map(good), FAILED);
    await opened.control.create(requestOf(source));
    const kept = (): readonly (readonly string[])[] =>
      opened.vault
        .inForce()
        .bindings.flatMap(({ secrets, former }) => [secrets, ...former])
        .map((texts) => texts.map((one) => one.reveal()));
    for (let read = 1; read < 6; read += 1) await vi.advanceTimersByTimeAsync(10_000);
    const values = ["six", "five", "four", "three", "two"];
    expect(kept()).toEqual(values.map((value) => [value, `Bearer ${value}`]));
    await vi.advanceTimersByTimeAsync(10_000);
    expect(kept()).toEqual([[], ...values.slice(0, 4).map((value) => [value, `Bearer ${value}`])]);
  });

  test("and gives the same value changes nothing", async () => {
    const opened = open();
    opened.results.push(good("first"), good("first"));
    await opened.control.create(requestOf(HOURLY));
    const before = opened.vault.inForce();
    await vi.advanceTimersByTimeAsync(HOUR_MS);
    expect(opened.readings()).toBe(2);
    expect(opened.vault.inForce()).toBe(before);
  });

  test("and fails takes the value away, is told once, and is tried sooner until it gives one", async () => {
    const opened = open();
    opened.results.push(good("first"), FAILED, FAILED, FAILED, good("second"));
    await opened.control.create(requestOf(HOURLY));
    opened.events.length = 0;
    await vi.advanceTimersByTimeAsync(HOUR_MS);
    const reason = "a credential has no value: its source failed";
    const { bindings, secrets } = opened.vault.inForce();
    expect(bindings).toMatchObject([{ headers: [], unavailable: reason }]);
    // It may be good still.
    expect(secrets.map((secret) => secret.reveal())).toEqual(["first", "Bearer first"]);
    expect(opened.control.describe()).toMatchObject({
      revision: 1,
      credentials: [{ name: "gh", problem: "the command ended with status 1" }],
      bindings: [{ name: "b", problem: reason }],
    });
    // After 1, 2 and 4 s.
    await vi.advanceTimersByTimeAsync(6999);
    expect(opened.readings()).toBe(4);
    await vi.advanceTimersByTimeAsync(1);
    expect(injected(opened)).toEqual(["Bearer second"]);
    expect(opened.events).toEqual([
      { what: "credential", name: "gh", sourceType: "command", reason: "the command ended with status 1" },
      { what: "binding", name: "b", reason },
      { what: "credential", name: "gh", sourceType: "command", reason: undefined },
      { what: "binding", name: "b", reason: undefined },
    ]);
    expect(opened.control.describe()?.credentials).toEqual([
      { name: "gh", sourceType: "command", revision: 1 },
    ]);
  });

  test("while it is replaced does not bring the old value back", async () => {
    const opened = open();
    const slow = Promise.withResolvers<Result<Secret>>();
    opened.results.push(good("first"), slow.promise, good("replaced"));
    await opened.control.create(requestOf(HOURLY));
    await vi.advanceTimersByTimeAsync(HOUR_MS);
    const mutation = { credentials: { replace: [{ name: "gh", source: HOURLY }] } };
    await opened.control.mutate(mutationOf(mutation));
    slow.resolve(good("late"));
    await vi.advanceTimersByTimeAsync(1);
    expect(injected(opened)).toEqual(["Bearer replaced"]);
    await vi.advanceTimersByTimeAsync(HOUR_MS - 2);
    expect(opened.readings()).toBe(3);
  });

  test("while another change is checked keeps its new value", async () => {
    const checking = Promise.withResolvers<void>();
    const opened = open(async () => checking.promise);
    opened.results.push(good("first"), good("second"));
    const creating = opened.control.create(requestOf(HOURLY));
    checking.resolve();
    await creating;
    const held = Promise.withResolvers<void>();
    opened.holdChecks(held.promise);
    const patching = opened.control.mutate(mutationOf({}));
    await vi.advanceTimersByTimeAsync(HOUR_MS);
    expect(injected(opened)).toEqual(["Bearer second"]);
    held.resolve();
    expect(await patching).toMatchObject({ kind: "done", state: { revision: 2 } });
    expect(injected(opened)).toEqual(["Bearer second"]);
  });

  test("is not any more once it is deleted, or the vault is closed", async () => {
    const opened = open();
    opened.results.push(good("first"));
    await opened.control.create(requestOf(HOURLY));
    await opened.control.remove();
    await vi.advanceTimersByTimeAsync(2 * HOUR_MS);
    expect(opened.readings()).toBe(1);
    opened.results.push(good("first"));
    await opened.control.create(requestOf(HOURLY));
    opened.close();
    await vi.advanceTimersByTimeAsync(2 * HOUR_MS);
    expect(opened.readings()).toBe(2);
  });

  test("takes its turn: at most four are read at once", async () => {
    const opened = open();
    opened.results.push(...Array.from({ length: 9 }, (_, n) => good(`v${n}`)));
    const credentials = Array.from({ length: 9 }, (_, n) => ({ name: `c${n}`, source: HOURLY }));
    await opened.control.create(valueOf(parseRequest(JSON.stringify({ credentials }))));
    const slow = Promise.withResolvers<Result<Secret>>();
    opened.results.push(...Array<Promise<Result<Secret>>>(9).fill(slow.promise));
    await vi.advanceTimersByTimeAsync(HOUR_MS + 10);
    expect(opened.readings()).toBe(9 + 4);
    slow.resolve(good("new"));
    await vi.advanceTimersByTimeAsync(10);
    expect(opened.readings()).toBe(9 + 9);
  });
});

test("what cannot be is refused before a source is read", async () => {
  const opened = open();
  expect(
    await opened.control.mutate(mutationOf({ credentials: { add: [{ name: "gh", source: HOURLY }] } })),
  ).toEqual({
    kind: "refused",
    refusal: { code: "vault-not-found", message: "credential vault not found" },
  });
  expect(opened.readings()).toBe(0);
});

test("memory is guarded before a secret is kept, and writes are told by name", async () => {
  const opened = open();
  expect(opened.guarded()).toBe(0);
  await opened.control.create(requestOf({ value: "s3cr3t" }));
  expect(opened.guarded()).toBe(1);
  await opened.control.mutate(mutationOf({ bindings: { delete: ["b"] } }));
  await opened.control.remove();
  expect(opened.events).toEqual([
    { kind: "created", revision: 1, credentials: ["gh"], bindings: ["b"], allowedByDefault: ["b"] },
    { kind: "patched", revision: 2, credentials: ["gh"], bindings: [], allowedByDefault: [] },
    { kind: "deleted", revision: 2, credentials: ["gh"], bindings: [], allowedByDefault: [] },
  ]);
});

test("listeners hear of a change before the call that made it is answered, and find what has gone", async () => {
  const opened = open();
  const heard: unknown[] = [];
  await opened.control.create(requestOf({ value: "s3cr3t" }));
  const [id = 0] = opened.vault.inForce().bindings[0]?.credentialIds ?? [];
  opened.vault.subscribe((after, before) => heard.push([before.hasCredential(id), after.hasCredential(id)]));
  await opened.control.mutate(
    mutationOf({ credentials: { replace: [{ name: "gh", source: { value: "new" } }] } }),
  );
  expect(heard).toEqual([[true, true]]);
  await opened.control.remove();
  expect(heard).toEqual([
    [true, true],
    [true, false],
  ]);
  await opened.control.create(requestOf({ value: "s3cr3t" }));
  expect(opened.vault.inForce().hasCredential(id)).toBe(false);
});
