import { expect, test } from "vitest";
import {
  createDeniedFlows,
  deniesNames,
  type FlowToEnd,
} from "../../../src/enforcement/names/denied-flows.ts";
import { keyOf, reversed, tupleOf } from "../../../src/enforcement/names/flow-keys.ts";
import { createNameLabels } from "../../../src/enforcement/names/name-labels.ts";
import type { FlowTuple, LabelledFlow } from "../../../src/netfilter/wire/conntrack.ts";
import { decideShownName } from "../../../src/policy/decide-name.ts";
import type { DomainName } from "../../../src/policy/domain-name.ts";
import { compiledPolicy, qname } from "../../support/policy.ts";

const [ONE, TWO] = [qname("one.example.org"), qname("two.example.org")];
const BOTH = compiledPolicy("deny", `allow ${ONE}`, `allow ${TWO}`);
const ONLY_ONE = compiledPolicy("deny", `allow ${ONE}`, `deny ${TWO}`);

function tuple(sourcePort: number, destinationPort = 443): FlowTuple {
  const [source, destination] = [Buffer.of(192, 0, 2, 2), Buffer.of(198, 51, 100, 50)];
  return { source, destination, sourcePort, destinationPort, protocol: 6 };
}

function toFlow(from: number, to?: number): FlowToEnd {
  return { flow: tuple(from, to), reply: reversed(tuple(from, to)) };
}

/** Of a flow that is known to have shown none. */
const NO_NAME = "";

/**
 * Verified flows by their ports, each with the name that its label is of; and flows that are not verified.
 */
function createBench(
  verified: ReadonlyMap<number, DomainName | undefined | typeof NO_NAME | readonly [DomainName, number]>,
  pending: readonly [number, DomainName, number?][] = [],
) {
  const labels = createNameLabels();
  const ended: number[] = [];
  const denied = createDeniedFlows({
    async readVerified(onFlow) {
      for (const [port, shown] of verified) {
        const [name, to] = typeof shown === "string" || shown === undefined ? [shown] : shown;
        // One object tells of all of them, as the socket does.
        const label = name === undefined ? undefined : labels.take({ name: name || undefined });
        const flow: LabelledFlow = { ...toFlow(port, to), label };
        onFlow(flow);
        flow.flow.source.fill(0);
      }
    },
    takeShowing: (isDenied) =>
      pending
        .filter(([port, name, to]) => isDenied({ name }, tuple(port, to)))
        .map(([port, , to]) => toFlow(port, to)),
    shownBy: ({ label }) => label && labels.shownBy(label, []),
    isDenied: (policy, { name }, { destinationPort }) =>
      name && decideShownName(policy, name, destinationPort).action === "deny",
    isUnread: ({ scoped }) => scoped.some(({ app }) => app === "any"),
    end: ({ flow }, mark) => {
      expect(flow.source).toEqual(Buffer.of(192, 0, 2, 2));
      expect(mark).toBe(0x4800_0000);
      ended.push(flow.sourcePort);
    },
  });
  return {
    ended,
    async enforce(policy: ReturnType<typeof compiledPolicy>) {
      const end = await denied.find(policy);
      expect(ended.splice(0)).toEqual([]);
      await end();
      return ended.splice(0);
    },
  };
}

test("flows of a denied name are ended, verified or not, and no others", async () => {
  const flows = new Map([
    [1, ONE],
    [2, TWO],
    [3, TWO],
  ]);
  const { enforce } = createBench(flows, [
    [4, ONE],
    [5, TWO],
  ]);
  expect(await enforce(BOTH)).toEqual([]);
  expect(await enforce(ONLY_ONE)).toEqual([5, 2, 3]);
});

test("a flow that is verified while others are looked at is ended, too", async () => {
  const pending: [number, DomainName][] = [[5, TWO]];
  const denied = createDeniedFlows({
    // It was not verified when the kernel told of its place, and is not known as pending any more.
    readVerified: async () => void pending.splice(0),
    takeShowing: (isDenied) =>
      pending.filter(([port, name]) => isDenied({ name }, tuple(port))).map(([port]) => toFlow(port)),
    shownBy: () => undefined,
    isDenied: (policy, { name }) => name && decideShownName(policy, name, 443).action === "deny",
    isUnread: () => false,
    end: ({ flow }) => ended.push(flow.sourcePort),
  });
  const ended: number[] = [];
  await (
    await denied.find(BOTH)
  )();
  pending.push([5, TWO]);
  await (
    await denied.find(ONLY_ONE)
  )();
  expect(ended).toEqual([5]);
});

test("a flow to a port that its name is not allowed at any more is ended, verified or not", async () => {
  const policy = compiledPolicy("deny", `allow ${ONE} tcp/443`, `allow ${TWO} /8443`);
  const { enforce } = createBench(
    new Map([
      [1, [ONE, 443]],
      [2, [ONE, 8443]],
      [3, [TWO, 8443]],
      [4, [TWO, 443]],
    ]),
    [
      [5, ONE, 443],
      [6, ONE, 8443],
      [7, TWO, 8443],
      [8, TWO, 443],
    ],
  );
  expect(await enforce(BOTH)).toEqual([]);
  expect(await enforce(policy)).toEqual([6, 8, 2, 4]);
});

test("a start with another policy ends what that denies", async () => {
  expect(
    await createBench(
      new Map([
        [1, ONE],
        [2, TWO],
      ]),
    ).enforce(ONLY_ONE),
  ).toEqual([2]);
});

test("a flow whose name is not known outlives a start and what allows more, and no denial", async () => {
  const { enforce } = createBench(new Map([[1, undefined]]));
  expect(await enforce(ONLY_ONE)).toEqual([]);
  expect(await enforce(BOTH)).toEqual([]);
  expect(await enforce(ONLY_ONE)).toEqual([1]);
});

test("a flow that has shown no name is ended by no denial of a name, only if all is denied by default", async () => {
  const { enforce } = createBench(new Map([[1, NO_NAME]]));
  expect(await enforce(BOTH)).toEqual([]);
  expect(await enforce(ONLY_ONE)).toEqual([]);
  expect(await enforce(compiledPolicy("allow"))).toEqual([]);
  expect(await enforce(ONLY_ONE)).toEqual([1]);
});

test("a flow that passed unread is ended once no rule lets it pass so", async () => {
  const { enforce } = createBench(new Map([[1, NO_NAME]]));
  const unread = compiledPolicy("deny", `allow ${ONE} /443 app any`);
  expect(await enforce(unread)).toEqual([]);
  expect(await enforce(compiledPolicy("deny", `allow ${ONE} /443 app any`, `deny ${TWO}`))).toEqual([]);
  expect(await enforce(compiledPolicy("deny", `allow ${ONE} /443`))).toEqual([1]);
});

test.each([
  [
    "another rule that allows",
    BOTH,
    compiledPolicy("deny", `allow ${ONE}`, `allow ${TWO}`, "allow *.example.net"),
    false,
  ],
  ["a rule that denies", BOTH, ONLY_ONE, true],
  ["a rule less", BOTH, compiledPolicy("deny", `allow ${ONE}`), true],
  [
    "a rule that denied is gone",
    compiledPolicy("deny", `deny ${TWO}`, "allow *.example.org"),
    compiledPolicy("deny", "allow *.example.org"),
    false,
  ],
  ["the default action denies", compiledPolicy("allow"), compiledPolicy("deny"), true],
  ["an address rule", BOTH, compiledPolicy("deny", `allow ${ONE}`, `allow ${TWO}`, "deny 192.0.2.1"), false],
])("%s", (_what, before, after, denies) => {
  expect(deniesNames(before, after)).toBe(denies);
});

test.each([
  [
    { name: ONE, app: undefined },
    { name: TWO, app: undefined },
  ],
  [
    { name: ONE, app: "tls" },
    { name: ONE, app: "http" },
  ],
  [
    { name: ONE, app: "postgres" },
    { name: undefined, app: "postgres" },
  ],
] as const)(
  "a label says what was shown, also by the address's owners once it is forgotten: %o",
  (one, other) => {
    const labels = createNameLabels(1);
    const label = labels.take(one) ?? Buffer.alloc(0);
    expect(labels.shownBy(label, [])).toEqual(one);
    labels.take(other);
    expect(labels.shownBy(label, [])).toBeUndefined();
    expect(labels.shownBy(label, [TWO, ONE])).toEqual(one);
  },
);

test("what shows no name has a label, unless it was asked what it speaks and nobody knows", () => {
  const labels = createNameLabels();
  for (const app of ["ssh", undefined] as const) {
    const label = labels.take({ name: undefined, app }) ?? Buffer.alloc(0);
    expect(createNameLabels().shownBy(label, [])).toEqual({ name: undefined, app });
  }
  expect(labels.take({ name: undefined, app: "other" })).toBeUndefined();
});

test("a name that is seen again and again is known however many others are seen", () => {
  const labels = createNameLabels(512);
  for (let index = 0; index < 2000; index++) {
    labels.take({ name: ONE });
    labels.take({ name: qname(`${index}.example.org`) });
  }
  for (const name of [ONE, qname("1999.example.org")]) {
    const label = labels.take({ name }) ?? Buffer.alloc(0);
    expect(labels.shownBy(label, [])).toEqual({ name, app: undefined });
    expect(createNameLabels().take({ name })).toEqual(label);
  }
});

test.each(["192.0.2.2", "2001:db8::2"])("a flow of %s is in its key", (address) => {
  const octets = address.includes(":")
    ? Buffer.from("20010db8000000000000000000000002", "hex")
    : Buffer.of(52, 0, 2, 2);
  const flow = { ...tuple(40_000), source: octets, destination: octets };
  expect(tupleOf(keyOf(flow))).toEqual(flow);
});
