import { describe, expect, test } from "vitest";
import { createIdleFlows, deniesAddresses } from "../../../src/enforcement/flows/idle-flows.ts";
import type { CutRule, SocketCutter } from "../../../src/netfilter/io/socket-cutter.ts";
import { type CompiledPolicy } from "../../../src/policy/compile.ts";
import { EVERY_FLOW, type FlowSet, NO_FLOWS } from "../../../src/policy/flow-set.ts";
import type { ProtectionState } from "../../../src/protections/protection.ts";
import { SystemCallError } from "../../../src/sys/errors.ts";
import { compiledPolicy } from "../../support/policy.ts";

const [TCP, UDP] = [6, 17];
const LEARNED = Uint8Array.of(192, 0, 2, 7);
const EXEMPT = Uint8Array.of(192, 0, 2, 53);
const OTHER = Uint8Array.of(192, 0, 2, 8);
const SIX = Uint8Array.from([0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9]);

function createBench(policy: CompiledPolicy, learned: FlowSet = EVERY_FLOW) {
  const rounds: CutRule[] = [];
  const state: { failure: Error | undefined; hold: Promise<void> | undefined } = {
    failure: undefined,
    hold: undefined,
  };
  const reports: ProtectionState[] = [];
  let [open, opened] = [0, 0];
  const openCutter = (): SocketCutter => {
    open += 1;
    opened += 1;
    return {
      async cut(rule) {
        await state.hold;
        if (state.failure) throw state.failure;
        rounds.push(rule);
        return 2;
      },
      check() {
        if (state.failure) throw state.failure;
      },
      close: () => void open--,
    };
  };
  const create = () =>
    createIdleFlows({
      openCutter,
      learned: {
        flowsOf: (octets) => (Buffer.compare(octets, LEARNED) === 0 ? learned : NO_FLOWS),
        isRevoked: (octets) => Buffer.compare(octets, SIX) === 0,
      },
      policy: () => policy,
      generation: () => 7,
      exempt: [EXEMPT],
      ownMark: 11,
      readOwnAddresses: () => ["192.0.2.2", "2001:db8::9"],
      report: (reported) => reports.push(reported),
    });
  return { create, rounds, state, reports, opened: () => opened, isOpen: () => open > 0 };
}

test("what leads to this namespace itself is told, by the addresses that it has", async () => {
  const policy = compiledPolicy("deny");
  const bench = createBench(policy);
  const idle = bench.create();
  idle.changed(policy, policy);
  await idle.close();
  const [rule] = bench.rounds;
  const addresses = [Uint8Array.of(192, 0, 2, 2), Uint8Array.of(127, 3, 2, 1), SIX, OTHER];
  expect(addresses.map((address) => rule?.isLocal(address))).toEqual([true, true, true, false]);
});

describe("which far ends are denied", () => {
  const rows: readonly (readonly [string, CompiledPolicy, readonly Uint8Array[]])[] = [
    ["by default all but learned ones and exempt resolvers", compiledPolicy("deny"), [OTHER, SIX]],
    ["not those of an allowed prefix", compiledPolicy("deny", "allow 192.0.2.0/24"), [SIX]],
    [
      "those of a denied prefix, learned or not",
      compiledPolicy("deny", "deny 192.0.2.0/24", "allow 2001:db8::/32"),
      [LEARNED, EXEMPT, OTHER],
    ],
    [
      "under default allow those of a denied prefix, and revoked ones",
      compiledPolicy("allow", "deny 192.0.2.8"),
      [OTHER, SIX],
    ],
  ];
  test.each(rows)("%s", async (_title, policy, denied) => {
    const { create, rounds } = createBench(policy);
    const flows = create();
    flows.changed(policy, policy);
    await flows.idle();
    const found = [LEARNED, EXEMPT, OTHER, SIX].filter((address) => rounds[0]?.isDenied(address, TCP, 443));
    expect(found).toEqual(denied);
  });
});

describe("which ports of a far end are denied", () => {
  const opened: FlowSet = { ...NO_FLOWS, tcp: [{ first: 5432, last: 5432 }] };
  const byName = compiledPolicy("deny", "allow a.example /5432");
  test.each([
    ["what the name's rules allow goes on", byName, [LEARNED, TCP, 5432], false],
    ["another port does not", byName, [LEARNED, TCP, 443], true],
    ["nor the port of another protocol", byName, [LEARNED, UDP, 5432], true],
    ["nor if the default allows", compiledPolicy("allow", "deny a.example /443"), [LEARNED, TCP, 443], true],
    ["a denied port of an address", compiledPolicy("allow", "deny 192.0.2.8 /25"), [OTHER, TCP, 25], true],
    ["another port of it", compiledPolicy("allow", "deny 192.0.2.8 /25"), [OTHER, TCP, 443], false],
    [
      "an allowed port of an address",
      compiledPolicy("deny", "allow 192.0.2.8 /443"),
      [OTHER, TCP, 443],
      false,
    ],
  ] as const)("%s", async (_title, policy, [address, protocol, port], isDenied) => {
    const { create, rounds } = createBench(policy, opened);
    const flows = create();
    flows.changed(policy, policy);
    await flows.idle();
    expect(rounds[0]?.isDenied(address, protocol, port)).toBe(isDenied);
  });
});

describe("when sockets are looked at", () => {
  test("at the first policy, then only where a change could deny", async () => {
    const policy = compiledPolicy("deny", "allow a.example");
    const { create, rounds, opened, isOpen } = createBench(policy);
    const flows = create();
    flows.changed(policy, policy);
    await flows.idle();
    flows.changed(policy, compiledPolicy("deny", "allow a.example", "allow b.example"));
    await flows.idle();
    expect(rounds).toHaveLength(1);
    flows.suspect();
    flows.changed(policy, policy);
    await flows.idle();
    expect(rounds).toHaveLength(2);
    expect(flows.ended()).toBe(4);
    expect(opened()).toBe(1);
    await flows.close();
    expect(isOpen()).toBe(false);
  });

  test("changes that come soon after a round share the next one", async () => {
    const policy = compiledPolicy("deny");
    const { create, rounds } = createBench(policy);
    const flows = create();
    flows.changed(policy, policy);
    await flows.idle();
    expect(rounds).toHaveLength(1);
    for (let index = 0; index < 3; index++) {
      flows.suspect();
      flows.changed(policy, policy);
    }
    await flows.idle();
    expect(rounds).toHaveLength(2);
  });

  test("a change during a round has one more follow, however many there are", async () => {
    const policy = compiledPolicy("deny");
    const { create, rounds, state } = createBench(policy);
    const flows = create();
    const gate = Promise.withResolvers<void>();
    state.hold = gate.promise;
    for (let index = 0; index < 3; index++) {
      flows.suspect();
      flows.changed(policy, policy);
    }
    gate.resolve();
    await flows.idle();
    expect(rounds).toHaveLength(2);
  });

  test.each([
    ["a name more", compiledPolicy("deny"), compiledPolicy("deny", "allow a.example"), false],
    ["the default denies", compiledPolicy("allow"), compiledPolicy("deny"), true],
    ["the default allows", compiledPolicy("deny"), compiledPolicy("allow"), false],
    ["a prefix more", compiledPolicy("allow"), compiledPolicy("allow", "deny 192.0.2.0/24"), true],
    ["a prefix less", compiledPolicy("deny", "allow 2001:db8::/32"), compiledPolicy("deny"), true],
    ["a port taken away", compiledPolicy("deny", "allow a.example /1-9"), compiledPolicy("deny"), true],
    [
      "a prefix turned",
      compiledPolicy("deny", "allow 192.0.2.0/24"),
      compiledPolicy("deny", "deny 192.0.2.0/24"),
      true,
    ],
  ])("%s: %#", (_title, before, after, denies) => {
    expect(deniesAddresses(before, after)).toBe(denies);
  });
});

describe("the protection", () => {
  test("is off from the start where the kernel ends no sockets, and on once it does", async () => {
    const policy = compiledPolicy("deny");
    const { create, state, reports, opened, isOpen } = createBench(policy);
    state.failure = new SystemCallError("SOCK_DESTROY", 95);
    const flows = create();
    for (const failure of [state.failure, undefined]) {
      state.failure = failure;
      flows.suspect();
      flows.changed(policy, policy);
      await flows.idle();
    }
    const off = { state: "off", reason: expect.stringContaining("SOCK_DESTROY: ENOTSUP") };
    expect(reports).toEqual([off, off, { state: "on" }]);
    expect(opened()).toBe(3);
    await flows.close();
    expect(isOpen()).toBe(false);
  });

  test("is off in mode dns, where no socket is looked at", async () => {
    const policy = compiledPolicy("deny");
    const reports: ProtectionState[] = [];
    const flows = createIdleFlows({
      openCutter: undefined,
      learned: { flowsOf: () => NO_FLOWS, isRevoked: () => false },
      policy: () => policy,
      generation: () => 7,
      exempt: [],
      ownMark: 11,
      readOwnAddresses: () => [],
      report: (state) => reports.push(state),
    });
    flows.changed(policy, policy);
    await flows.idle();
    expect(reports).toEqual([{ state: "off", reason: "mode dns judges lookups alone" }]);
    expect(flows.ended()).toBe(0);
  });
});
