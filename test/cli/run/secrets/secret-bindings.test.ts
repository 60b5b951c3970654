import { expect, test } from "vitest";
import { type HeldSecret, renderVault } from "../../../../src/cli/run/secrets/secret-bindings.ts";

function held(
  name: string,
  hosts: readonly string[],
  header?: string,
  value = `value of ${name}`,
): HeldSecret {
  return { name, hosts, header, command: undefined, value, placeholder: `placeholder of ${name}` };
}

const filled = (name: string): unknown => ({
  credential: name,
  placeholder: `placeholder of ${name}`,
  in: ["header"],
});

function bindingsOf(...secrets: readonly HeldSecret[]): unknown {
  return renderVault({ secrets, reads: [] }).bindings.map(({ match, auth }) => [match.hosts, auth]);
}

test("a secret is filled in whatever header the command puts its placeholder into", () => {
  const { credentials } = renderVault({ secrets: [held("T", ["a.example.org"])], reads: [] });
  expect(credentials).toEqual([{ name: "T", source: { type: "inline", value: "value of T" } }]);
  expect(bindingsOf(held("T", ["a.example.org", "*.example.net"]))).toEqual([
    [["a.example.org", "*.example.net"], { type: "passthrough", substitutions: [filled("T")] }],
  ]);
});

test("a secret is for requests of any method", () => {
  const { bindings } = renderVault({ secrets: [held("T", ["a.example.org"])], reads: [] });
  expect(bindings.map(({ match }) => match.methods)).toEqual([["*"]]);
});

test("one with a header is set there as well", () => {
  expect(bindingsOf(held("T", ["a.example.org"], "X-Key"))).toEqual([
    [
      ["a.example.org"],
      { type: "customHeaders", headers: [{ name: "X-Key", credential: "T" }], substitutions: [filled("T")] },
    ],
  ]);
});

test("in Authorization the token has the scheme Bearer before it, unless it has one of its own", () => {
  const secrets = [
    held("T", ["a.example.org"], "Authorization", "token"),
    held("B", ["b.example.org"], "Authorization", "Basic dXNlcjpwYXNz"),
  ];
  const { credentials } = renderVault({ secrets, reads: [] });
  expect(credentials.map(({ name, source }) => [name, source.value])).toEqual([
    ["T", "token"],
    ["T as bearer", "Bearer token"],
    ["B", "Basic dXNlcjpwYXNz"],
  ]);
});

test("hosts of several secrets have one binding, an exact host with what the wildcard brings", () => {
  expect(
    bindingsOf(
      held("A", ["a.example.org", "b.example.org"]),
      held("B", ["b.example.org"]),
      held("C", ["*.example.org"]),
    ),
  ).toEqual([
    [["a.example.org"], { type: "passthrough", substitutions: [filled("A"), filled("C")] }],
    [["b.example.org"], { type: "passthrough", substitutions: [filled("A"), filled("B"), filled("C")] }],
    [["*.example.org"], { type: "passthrough", substitutions: [filled("C")] }],
  ]);
});

test("hosts that only rules speak of are read, and get nothing", () => {
  const reads = [{ hosts: ["r.example.org"], scheme: "http" as const }];
  const { credentials, bindings } = renderVault({ secrets: [], reads });
  expect(credentials).toEqual([]);
  expect(bindings).toEqual([
    {
      name: "read-http",
      match: {
        hosts: ["r.example.org"],
        schemes: ["http"],
        methods: ["*"],
      },
      auth: { type: "passthrough" },
    },
  ]);
});
