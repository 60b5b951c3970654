import { describe, expect, test } from "vitest";
import { type FlowFacts, judgeFlow } from "../../src/intercept/judge-flow.ts";
import type { Shown } from "../../src/wire-names/shown.ts";
import { nameOf } from "../support/policy.ts";

const [BOUND, OTHER, DENIED, ELSEWHERE] = [
  nameOf("bound.example.org"),
  nameOf("other.example.org"),
  nameOf("denied.example.org"),
  nameOf("elsewhere.example.org"),
];
/** The first is bound over https alone. */
const facts: FlowFacts = {
  isAllowed: (name) => name !== DENIED,
  isBound: (name, scheme) => (name === BOUND && scheme === "https") || name === ELSEWHERE,
  wasGiven: (name) => name === BOUND,
};
const tls = (name: typeof BOUND | undefined): Shown => ({ kind: "tls", name, end: 100 });
const http = (name: typeof BOUND | undefined): Shown => {
  return { kind: "http", name, end: 100, body: { kind: "length", octets: 0 } };
};

describe("what a flow shows, and what becomes of it", () => {
  test.each<[string, Shown, object]>([
    ["a bound name over TLS", tls(BOUND), { kind: "answer", name: BOUND, scheme: "https" }],
    ["another allowed name", tls(OTHER), { kind: "pass", name: OTHER }],
    ["a name that is bound over https alone, by HTTP", http(BOUND), { kind: "pass", name: BOUND }],
    ["another allowed name by HTTP", http(OTHER), { kind: "pass", name: OTHER }],
    ["a denied name", tls(DENIED), { kind: "refuse", why: "denied", name: DENIED }],
    ["a denied name by HTTP", http(DENIED), { kind: "refuse", why: "denied", name: DENIED }],
    ["a bound name elsewhere", tls(ELSEWHERE), { kind: "refuse", why: "elsewhere", name: ELSEWHERE }],
    ["a bound name elsewhere by HTTP", http(ELSEWHERE), { kind: "refuse", why: "elsewhere" }],
    ["TLS without a name", tls(undefined), { kind: "refuse", why: "unnamed" }],
    ["HTTP without a Host", http(undefined), { kind: "refuse", why: "unnamed" }],
    ["neither of the two", { kind: "other" }, { kind: "refuse", why: "unnamed" }],
    ["what cannot be read", { kind: "refused", reason: "two Host fields" }, { reason: "two Host fields" }],
    ["half a hello", { kind: "incomplete", name: undefined }, { kind: "incomplete" }],
    ["half a hello of a bound name", { kind: "incomplete", name: BOUND }, { kind: "incomplete" }],
    [
      "half a hello of a denied name",
      { kind: "incomplete", name: DENIED },
      { kind: "refuse", why: "denied" },
    ],
  ])("%s", (_what, shown, verdict) => {
    expect(judgeFlow(shown, facts)).toMatchObject(verdict);
  });

  test("a name that is bound over http is answered, where it was given", () => {
    const bound: FlowFacts = { ...facts, isBound: () => true };
    expect(judgeFlow(http(BOUND), bound)).toEqual({ kind: "answer", name: BOUND, scheme: "http" });
  });
});

test("requests that rules speak of are never passed on unread", () => {
  const ruled: FlowFacts = { ...facts, isRuled: (name) => name === BOUND };
  expect(judgeFlow(http(BOUND), ruled)).toMatchObject({ kind: "refuse", why: "denied", name: BOUND });
  expect(judgeFlow(tls(BOUND), ruled)).toMatchObject({ kind: "answer" });
  expect(judgeFlow(tls(OTHER), ruled)).toEqual({ kind: "pass", name: OTHER });
});

const by = (way: "rule" | "default" | undefined): FlowFacts => ({ ...facts, byAddress: () => way });

describe("where every flow is led here", () => {
  const passed = { kind: "pass", name: undefined };

  test.each<[string, Shown]>([
    ["TLS without a name", tls(undefined)],
    ["HTTP without a Host", http(undefined)],
    ["neither of the two", { kind: "other" }],
    ["what cannot be read", { kind: "refused", reason: "two Host fields" }],
  ])("%s goes by its address where the policy lets it", (_what, shown) => {
    expect(judgeFlow(shown, by("rule"))).toEqual(passed);
    expect(judgeFlow(shown, by("default"))).toEqual(passed);
    expect(judgeFlow(shown, by(undefined))).toMatchObject({ kind: "refuse", why: "unnamed" });
  });

  test("a denied name goes by its address where a rule says so, and not by default", () => {
    expect(judgeFlow(tls(DENIED), by("rule"))).toEqual(passed);
    expect(judgeFlow({ kind: "incomplete", name: DENIED }, by("rule"))).toEqual(passed);
    expect(judgeFlow(tls(DENIED), by("default"))).toMatchObject({ kind: "refuse", why: "denied" });
  });

  test("names that hold, and bound names, are judged as ever", () => {
    expect(judgeFlow(tls(OTHER), by("rule"))).toEqual({ kind: "pass", name: OTHER });
    expect(judgeFlow(tls(BOUND), by("rule"))).toMatchObject({ kind: "answer", name: BOUND });
    expect(judgeFlow(tls(ELSEWHERE), by("rule"))).toMatchObject({ kind: "refuse", why: "elsewhere" });
  });
});
