import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { matchesHost } from "../../src/vault/host-pattern.ts";
import { resolveBinding } from "../../src/vault/resolve-binding.ts";
import {
  type BindingVerdict,
  coversHost,
  NO_VAULT,
  type RequestTarget,
} from "../../src/vault/vault-in-force.ts";
import { qname } from "../support/policy.ts";
import { binding, credential, vaultOf } from "./make-vault.ts";

function requestOf(text: string): RequestTarget {
  const [, method = "", scheme = "", host = "", path = ""] =
    /^(\S+) (https?):\/\/([^/]+)(\S*)$/.exec(text) ?? [];
  return { scheme: scheme === "http" ? "http" : "https", host: qname(host), method, path };
}

/** Of the bindings that a verdict speaks of. */
function namesOf(verdict: BindingVerdict): readonly string[] {
  if (verdict.kind === "none") return [];
  return (verdict.kind === "bound" ? [verdict.binding] : verdict.bindings).map(({ name }) => name);
}

const VAULT = vaultOf(
  binding("exact", { hosts: ["api.example.org"], methods: ["GET"], paths: ["/v1/*", "/status"] }),
  binding("below", { hosts: ["*.example.org"], schemes: ["http", "https"] }),
  binding("any", { hosts: ["any.example.net"], methods: ["*"] }),
  binding("plain", { hosts: ["plain.example.net", "other.example.net"], schemes: ["http"] }),
);

describe("a request gets the binding that matches in every way", () => {
  test.each([
    ["GET https://api.example.org/v1/repos", "exact"],
    ["GET https://api.example.org/v1/", "exact"],
    ["GET https://api.example.org/status", "exact"],
    // The exact binding does not match it, the wildcard does.
    ["GET https://api.example.org/status/", "below"],
    ["GET https://api.example.org/v1", "below"],
    ["POST https://api.example.org/v1/repos", "below"],
    ["GET http://api.example.org/v1/repos", "below"],
    ["GET https://a.b.example.org/", "below"],
    ["GET http://other.example.net/x", "plain"],
    ["GET https://any.example.net/", "any"],
    ["PURGE https://any.example.net/", "any"],
    ["GET https://plain.example.net/", undefined],
    ["HEAD https://a.example.org/", undefined],
    ["get https://a.example.org/", undefined],
    ["GET https://example.org/", undefined],
    ["GET https://notexample.org/", undefined],
    ["GET https://api.example.org.evil.example/v1/", undefined],
  ])("%s: %s", (text, name) => {
    expect(namesOf(VAULT.findBinding(requestOf(text)))).toEqual(name === undefined ? [] : [name]);
  });
});

test("two bindings at the best precedence are ambiguous, and name both", () => {
  const vault = vaultOf(
    binding("one", { hosts: ["*.example.org"] }),
    binding("two", { hosts: ["*.api.example.org"] }),
    binding("three", { hosts: ["v1.api.example.org"], paths: ["/x"] }),
  );
  const verdict = vault.findBinding(requestOf("GET https://v1.api.example.org/"));
  expect(verdict).toMatchObject({ kind: "ambiguous", bindings: [{ name: "two" }, { name: "one" }] });
  expect(vault.findBinding(requestOf("GET https://v1.api.example.org/x"))).toMatchObject({
    kind: "bound",
    binding: { name: "three" },
  });
});

test("a binding that names a host twice is one", () => {
  const vault = vaultOf(binding("one", { hosts: ["*.example.org", "*.api.example.org"] }));
  expect(vault.findBinding(requestOf("GET https://v1.api.example.org/")).kind).toBe("bound");
});

test("a host is bound if a binding names it or a wildcard covers it, whatever method and path", () => {
  const bound = ["api.example.org", "a.b.example.org", "plain.example.net"];
  const free = ["example.org", "example.net", "x.plain.example.net", "org", "notexample.org"];
  for (const host of bound) expect(VAULT.isBoundHost(qname(host))).toBe(true);
  for (const host of free) expect(VAULT.isBoundHost(qname(host))).toBe(false);
});

test("a host is bound at the port of a scheme that a binding of its own, or of a wildcard, speaks of", () => {
  for (const [host, ports] of [
    ["plain.example.net", [80]],
    ["api.example.org", [80, 443]],
    ["a.b.example.org", [80, 443]],
    ["example.org", []],
    ["x.plain.example.net", []],
  ] as const)
    expect([80, 443, 8443].filter((port) => VAULT.isBoundAt(qname(host), port))).toEqual(ports);
});

test("hosts are found as by a look at every binding", () => {
  const label = fc.constantFrom("a", "b", "c");
  const name = fc.array(label, { minLength: 2, maxLength: 5 }).map((labels) => labels.join("."));
  const pattern = fc.tuple(fc.boolean(), name).map(([isWild, text]) => (isWild ? `*.${text}` : text));
  fc.assert(
    fc.property(fc.array(fc.array(pattern, { minLength: 1 })), name, (lists, host) => {
      const bindings = lists.map((hosts, index) => binding(`b${index}`, { hosts }));
      const vault = vaultOf(...bindings);
      const covering = bindings.filter((one) => coversHost(one, qname(host)));
      expect(vault.isBoundHost(qname(host))).toBe(covering.length > 0);
      const exact = bindings.filter(({ match }) =>
        match.hosts.some((one) => one.kind === "exact" && matchesHost(one, qname(host))),
      );
      const best = exact.length > 0 ? exact : covering;
      const found = namesOf(vault.findBinding(requestOf(`GET https://${host}/`)));
      // Of those that are ambiguous two are told.
      expect(new Set(found).size).toBe(Math.min(best.length, 2));
      expect(best.map((one) => one.name)).toEqual(expect.arrayContaining([...found]));
    }),
  );
});

test("where there is no vault nothing is bound", () => {
  expect(NO_VAULT).toMatchObject({ revision: 0, hasBindings: false, secrets: [] });
  expect(NO_VAULT.isBoundHost(qname("api.example.org"))).toBe(false);
  expect(NO_VAULT.findBinding(requestOf("GET https://api.example.org/")).kind).toBe("none");
});

describe("a binding injects", () => {
  const one = credential("one", "v1", 1);
  const two = credential("two", "v2", 2);
  test.each([
    [{ type: "bearer", credential: one }, [["Authorization", "Bearer v1"]], ["v1", "Bearer v1"]],
    [{ type: "basic", credential: one }, [["Authorization", "Basic v1"]], ["v1", "Basic v1"]],
    [{ type: "apiKey", name: "X-Api-Key", credential: one }, [["X-Api-Key", "v1"]], ["v1"]],
    [
      {
        type: "customHeaders",
        headers: [
          { name: "X-One", credential: one },
          { name: "X-Two", credential: two },
          { name: "X-Three", credential: one },
        ],
      },
      [
        ["X-One", "v1"],
        ["X-Two", "v2"],
        ["X-Three", "v1"],
      ],
      ["v1", "v2"],
    ],
    [{ type: "passthrough" }, [], []],
  ] as const)("%j", (auth, headers, secrets) => {
    const made = binding("b", { hosts: ["api.example.org"], auth });
    expect(made.headers.map(({ name, value }) => [name, value.reveal()])).toEqual(headers);
    expect(made.secrets.map((secret) => secret.reveal())).toEqual(secrets);
    expect(made.unavailable).toBeUndefined();
  });

  test("nothing while a credential of its own has no value, and does not say which", () => {
    const lacking = credential("lacking", undefined, 2);
    const made = binding("b", {
      hosts: ["api.example.org"],
      auth: { type: "bearer", credential: one },
      substitutions: [{ credential: lacking, placeholder: "__x__", surfaces: ["path"] }],
    });
    expect(made.headers).toEqual([]);
    expect(made.unavailable).toBe("a credential has no value: its source failed");
    expect(made.secrets.map((secret) => secret.reveal())).toEqual(["v1", "Bearer v1"]);
    expect(made.credentialIds).toEqual([1, 2]);
    expect(vaultOf(made).isBoundHost(qname("api.example.org"))).toBe(true);
  });

  test("nothing while it is out of force", () => {
    const made = binding("b", { hosts: ["api.example.org"] });
    const out = resolveBinding(made, "its host is denied");
    expect(out).toMatchObject({ headers: [], unavailable: "its host is denied" });
    expect(out.secrets.map((secret) => secret.reveal())).toEqual(["s3cr3t", "Bearer s3cr3t"]);
  });
});
