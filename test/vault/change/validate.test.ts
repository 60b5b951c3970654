import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Policy } from "../../../src/policy/policy.ts";
import { runToEnd } from "../../../src/policy/steps.ts";
import { findUncovered, listAllowedByDefault, validateSteps } from "../../../src/vault/change/validate.ts";
import { createState, type VaultState } from "../../../src/vault/change/vault-state.ts";
import { createVaultParser } from "../../../src/vault/request/parse-vault-request.ts";
import { Secret } from "../../../src/vault/secret.ts";
import { allowByDefault, compiled, denyByDefault, qname, valueOf } from "../../support/policy.ts";
import { binding as inForce, vaultOf } from "../make-vault.ts";

const { parseRequest } = createVaultParser({ requireScopedMatch: false });

interface MatchWords {
  readonly hosts: readonly string[];
  readonly schemes?: readonly string[];
  readonly methods?: readonly string[];
  readonly paths?: readonly string[];
}

/** Bindings of one credential, named b0, b1 and so on. */
function stateOf(...matches: readonly MatchWords[]): VaultState {
  const credentials = [{ name: "a", source: { value: "v" } }];
  const bindings = matches.map((match, index) => ({
    name: `b${index}`,
    match,
    auth: { type: "bearer", credential: "a" },
  }));
  return created({ credentials, bindings });
}

function created(request: object, value = "v"): VaultState {
  let id = 0;
  const parsed = valueOf(parseRequest(JSON.stringify(request)));
  const changed = createState(undefined, parsed, {
    valueOf: () => new Secret(value),
    nextId: () => (id += 1),
  });
  if (!changed.ok) throw new Error(changed.refusal.message);
  return changed.state;
}

function wrongWith(state: VaultState): string | undefined {
  return runToEnd(validateSteps(state));
}

describe("two bindings that could match one request are ambiguous", () => {
  test.each<readonly [MatchWords, MatchWords, string | undefined]>([
    [{ hosts: ["a.example.org"] }, { hosts: ["a.example.org"] }, "a.example.org"],
    [{ hosts: ["x.example.net", "A.example.org."] }, { hosts: ["a.example.org"] }, "a.example.org"],
    [{ hosts: ["*.example.org"] }, { hosts: ["*.example.org"] }, "*.example.org"],
    [{ hosts: ["*.example.org"] }, { hosts: ["*.a.example.org"] }, "*.a.example.org"],
    [{ hosts: ["*.a.b.example.org"] }, { hosts: ["*.example.org"] }, "*.a.b.example.org"],
    // The exact one wins.
    [{ hosts: ["*.example.org"] }, { hosts: ["a.example.org"] }, undefined],
    [{ hosts: ["a.example.org"] }, { hosts: ["b.example.org"] }, undefined],
    [{ hosts: ["*.example.org"] }, { hosts: ["*.notexample.org"] }, undefined],
    [{ hosts: ["*.a.example.org"] }, { hosts: ["*.b.example.org"] }, undefined],
    [
      { hosts: ["a.example.org"], schemes: ["http"] },
      { hosts: ["a.example.org"], schemes: ["https"] },
      undefined,
    ],
    [
      { hosts: ["a.example.org"], methods: ["GET"] },
      { hosts: ["a.example.org"], methods: ["POST"] },
      undefined,
    ],
    [
      { hosts: ["a.example.org"], methods: ["GET", "PUT"] },
      { hosts: ["a.example.org"], methods: ["POST", "put"] },
      "a.example.org",
    ],
    [
      { hosts: ["a.example.org"], paths: ["/v1/*"] },
      { hosts: ["a.example.org"], paths: ["/v2/*", "/v1"] },
      undefined,
    ],
    [
      { hosts: ["a.example.org"], paths: ["/v1/*"] },
      { hosts: ["a.example.org"], paths: ["/v1/repos"] },
      "a.example.org",
    ],
    [
      { hosts: ["a.example.org"], paths: ["/v1/repos/*"] },
      { hosts: ["a.example.org"], paths: ["/v1/*"] },
      "a.example.org",
    ],
    [
      { hosts: ["a.example.org"], paths: ["/v1"] },
      { hosts: ["a.example.org"], paths: ["/v1"] },
      "a.example.org",
    ],
    [{ hosts: ["a.example.org"], paths: ["/v1"] }, { hosts: ["a.example.org"] }, "a.example.org"],
  ])("%j and %j: %s", (one, other, host) => {
    const shown = host && `bindings "b0" and "b1" are ambiguous: both could match a request to "${host}"`;
    const [first, second] = [wrongWith(stateOf(one, other)), wrongWith(stateOf(other, one))];
    // Whichever comes first, and whichever is named first.
    for (const said of [first, second]) expect(said?.replace('"b1" and "b0"', '"b0" and "b1"')).toBe(shown);
  });

  test("a binding is not ambiguous by itself", () => {
    expect(
      wrongWith(
        stateOf({ hosts: ["a.example.org", "*.example.org", "*.a.example.org"], paths: ["/*", "/v1/*"] }),
      ),
    ).toBeUndefined();
  });

  test("what is not ambiguous gives no request two bindings", () => {
    const name = fc
      .constantFrom("a.b", "b.a", "a.a.b", "*.b", "*.a.b", "*.b.a")
      .map((text) => `${text}.example`);
    const match = fc.record({
      hosts: fc.array(name, { minLength: 1, maxLength: 3 }),
      methods: fc.subarray(["GET", "POST", "*"], { minLength: 1 }),
      paths: fc.array(fc.constantFrom("/", "/*", "/v1", "/v1/*", "/v1/x", "/v1/x*"), {
        minLength: 1,
        maxLength: 2,
      }),
    });
    const target = fc.record({
      host: fc
        .constantFrom("a.b", "b.a", "a.a.b", "b.a.b", "x.b.a", "x.y.b")
        .map((text) => qname(`${text}.example`)),
      method: fc.constantFrom("GET", "POST"),
      path: fc.constantFrom("/", "/v1", "/v1/", "/v1/x", "/v1/xy", "/v2"),
    });
    fc.assert(
      fc.property(
        fc.array(match, { minLength: 2, maxLength: 4 }),
        target,
        (matches, { host, method, path }) => {
          fc.pre(wrongWith(stateOf(...matches)) === undefined);
          const vault = vaultOf(...matches.map((one, index) => inForce(`b${index}`, one)));
          expect(vault.findBinding({ scheme: "https", host, method, path }).kind).not.toBe("ambiguous");
        },
      ),
    );
  });
});

test.each([
  [{ type: "bearer", credential: "nosuch" }],
  [
    {
      type: "customHeaders",
      headers: [
        { name: "X-A", credential: "a" },
        { name: "X-B", credential: "nosuch" },
      ],
    },
  ],
  [{ type: "passthrough", substitutions: [{ credential: "nosuch", placeholder: "__x__", in: ["path"] }] }],
])("a binding that refers to a credential that is not there is refused: %j", (auth) => {
  const bindings = [{ name: "b", match: { hosts: ["a.example.org"] }, auth }];
  const state = created({ credentials: [{ name: "a", source: { value: "v" } }], bindings });
  expect(wrongWith(state)).toBe('binding "b" references unknown credential "nosuch"');
});

test("a vault holds at most 4 MiB", () => {
  const credentials = Array.from({ length: 70 }, (_, n) => ({ name: `c${n}`, source: { value: "v" } }));
  expect(wrongWith(created({ credentials }, "x".repeat(60_000)))).toBe(
    "the vault would hold more than 4194304 octets",
  );
  expect(wrongWith(created({ credentials }, "x".repeat(50_000)))).toBeUndefined();
});

describe("every host of a binding has to be allowed by the policy", () => {
  test.each([
    [["a.example.org"], denyByDefault("allow a.example.org"), undefined],
    [["a.example.org"], denyByDefault("allow *.example.org"), undefined],
    [["a.example.org", "b.example.org"], denyByDefault("allow a.example.org"), "b.example.org"],
    [["*.example.org"], denyByDefault("allow *.example.org"), undefined],
    [["*.example.org"], denyByDefault("allow a.example.org"), "*.example.org"],
    [["*.example.org"], denyByDefault("allow example.org"), "*.example.org"],
    [["a.example.org"], allowByDefault(), undefined],
    [["a.example.org"], allowByDefault("deny *.example.org"), "a.example.org"],
    [["*.example.org"], allowByDefault("deny *.example.org"), "*.example.org"],
  ])("%j under %j: %s", (hosts, policy, host) => {
    const message = host && `binding "b0" host "${host}" is not allowed by egress policy`;
    expect(findUncovered(stateOf({ hosts }).bindings.values(), compiled(policy))?.message).toBe(message);
  });

  test.each([
    ["tcp/443", ["https"], undefined],
    ["udp/443", ["https"], "a.example.org"],
    ["tcp/443", ["http", "https"], "a.example.org"],
    ["tcp/80,443", ["http", "https"], undefined],
    ["tcp/8443", ["https"], "a.example.org"],
  ])("on the ports of its schemes: a rule for %s, a binding for %j", (scope, schemes, host) => {
    const policy = compiled(denyByDefault(`allow a.example.org ${scope}`));
    const message = host && `binding "b0" host "${host}" is not allowed by egress policy`;
    const state = stateOf({ hosts: ["a.example.org"], schemes });
    expect(findUncovered(state.bindings.values(), policy)?.message).toBe(message);
  });
});

test("bindings that the default action alone allows are named", () => {
  const bindings = stateOf(
    { hosts: ["a.example.org"] },
    { hosts: ["b.example.org", "*.example.net"] },
  ).bindings;
  const named = (policy: Policy) => listAllowedByDefault(bindings.values(), compiled(policy));
  expect(named(allowByDefault())).toEqual(["b0", "b1"]);
  expect(named(allowByDefault("allow a.example.org", "allow b.example.org"))).toEqual(["b1"]);
  expect(named(denyByDefault("allow *.example.org", "allow *.example.net"))).toEqual([]);
});
