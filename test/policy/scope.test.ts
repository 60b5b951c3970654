import { describe, expect, test } from "vitest";
import { renderPorts } from "../../src/policy/flow-set.ts";
import type { Result } from "../../src/policy/problem.ts";
import { flowsOfScope, parseScope } from "../../src/policy/scope.ts";
import { valueOf } from "../support/policy.ts";

function keyOf(ports: readonly unknown[] | undefined, protocol?: string): string | undefined {
  return valueOf(parseScope({ ports, protocol }))?.key;
}

function problemsOf(result: Result<unknown>): readonly string[] {
  return result.ok ? [] : result.problems.map(({ path, message }) => `${path}: ${message}`);
}

describe("a scope is canonical: ports in order and joined, TCP where no protocol is said", () => {
  test.each([
    [[443], undefined, "tcp/443"],
    [["443"], undefined, "tcp/443"],
    [[443], " TCP", "tcp/443"],
    [[443], "udp", "udp/443"],
    [["8000-8080", 443], undefined, "tcp/443,8000-8080"],
    [[443, 443, "443-443"], undefined, "tcp/443"],
    [[1, "2-3", "3-5", 6], undefined, "tcp/1-6"],
    [["1-65535"], undefined, "tcp/1-65535"],
    [[1, 65535], "udp", "udp/1,65535"],
    [undefined, "udp", "udp"],
    [undefined, "Icmp", "icmp"],
  ])("%j %j: %s", (ports, protocol, key) => {
    expect(keyOf(ports, protocol)).toBe(key);
  });

  test("absent and null keys are no scope", () => {
    expect(parseScope({})).toEqual({ ok: true, value: undefined });
    expect(parseScope({ ports: null, protocol: null, app: null })).toEqual({ ok: true, value: undefined });
  });

  test("what was written is kept", () => {
    const scope = valueOf(parseScope({ ports: ["8000-8080", 443, 443], protocol: " TCP" }));
    expect(scope?.written).toEqual({ ports: ["8000-8080", 443, 443], protocol: " TCP" });
    expect(valueOf(parseScope({ ports: [25] }))?.written).toEqual({ ports: [25] });
  });
});

describe("what is no scope is refused with its place", () => {
  test.each([
    [[0], undefined, "ports[0]: 0 is no port"],
    [[443, 65536], undefined, "ports[1]: 65536 is no port"],
    [[-1], undefined, "ports[0]: -1 is no port"],
    [[1.5], undefined, "ports[0]: 1.5 is no port"],
    [["0-80"], undefined, 'ports[0]: "0-80" is no port'],
    [["80-65536"], undefined, 'ports[0]: "80-65536" is no port'],
    [["90-80"], undefined, 'ports[0]: "90-80" is no port'],
    [["80-"], undefined, 'ports[0]: "80-" is no port'],
    [["8000 - 8080"], undefined, 'ports[0]: "8000 - 8080" is no port'],
    [["080"], undefined, 'ports[0]: "080" is no port'],
    [["https"], undefined, 'ports[0]: "https" is no port'],
    [[null], undefined, "ports[0]: null is no port"],
    [[[443]], undefined, "ports[0]: [443] is no port"],
    [[{ from: 1 }], undefined, 'ports[0]: {\\"from\\":1} is no port'],
    [[true], undefined, "ports[0]: true is no port"],
    [[], undefined, "ports: is empty"],
    [
      Array.from({ length: 257 }, (_, index) => index + 1),
      undefined,
      "ports: has 257 entries, and 256 at most",
    ],
    [undefined, "sctp", 'protocol: "sctp" is no protocol, must be tcp, udp or icmp'],
    [undefined, "", 'protocol: "" is no protocol'],
    [[443], "icmp", "protocol: icmp has no ports"],
  ])("%j %j: %s", (ports, protocol, problem) => {
    const problems = problemsOf(parseScope({ ports, protocol }));
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain(problem);
  });

  test("256 entries are taken", () => {
    const ports = Array.from({ length: 256 }, (_, index) => 2 * index + 1);
    expect(parseScope({ ports, protocol: "udp" }).ok).toBe(true);
  });
});

describe("ports without a protocol are read closed", () => {
  test.each([
    ["allow", undefined, "443", ""],
    ["deny", undefined, "443", "443"],
    ["allow", "tcp", "443", ""],
    ["deny", "tcp", "443", ""],
    ["allow", "udp", "", "443"],
    ["deny", "udp", "", "443"],
  ] as const)("%s with protocol %j: TCP %s, UDP %s", (action, protocol, tcp, udp) => {
    const scope = valueOf(parseScope({ ports: [443], protocol }));
    if (scope === undefined) throw new Error("no scope");
    const flows = flowsOfScope(action, scope);
    expect([renderPorts(flows.tcp), renderPorts(flows.udp)]).toEqual([tcp, udp]);
    expect([flows.icmp, flows.other]).toEqual([[], []]);
  });
});
