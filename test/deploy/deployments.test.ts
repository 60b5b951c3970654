/**
 * What all files of `deploy/` have in common: one image, of this version, and no variable that does not
 * exist. `compose-spec.json` is the schema of the Compose Specification (Apache-2.0, The Compose
 * Specification Authors), as compose-go 2.16.2 has it.
 */
import { Ajv2020 } from "ajv/dist/2020.js";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { parse } from "yaml";
import manifest from "../../package.json" with { type: "json" };
import { VARIABLES } from "../../src/config/variables.ts";
import { parsePolicyJson } from "../../src/policy/parse-policy.ts";
import composeSchema from "./compose-spec.json" with { type: "json" };
import { listDeployFiles, readDeployFile } from "../support/deploy-files.ts";

const PAGE = readFileSync(fileURLToPath(new URL("../../docs/deployments.md", import.meta.url)), "utf8");
const FILES = listDeployFiles().map((path) => [path, readDeployFile(path)] as const);
const KNOWN = new Set<string>(Object.values(VARIABLES).map(({ name }) => name));
const variablesIn = (text: string): readonly string[] => text.match(/\b(OPENSANDBOX|OTEL)_[A-Z0-9_]+/g) ?? [];

test.each([...FILES, ["docs/deployments.md", PAGE] as const])(
  "each variable of %s is a setting",
  (_, text) => {
    expect(variablesIn(text).filter((name) => !KNOWN.has(name))).toEqual([]);
  },
);

test("a variable that is no setting would be found", () => {
  expect(variablesIn("- OPENSANDBOX_EGRESS_RULE=x").filter((name) => !KNOWN.has(name))).toHaveLength(1);
  expect(FILES.flatMap(([, text]) => variablesIn(text)).length).toBeGreaterThan(8);
});

test("each file names the image of this version", () => {
  const images = FILES.flatMap(([path, text]) =>
    [...text.matchAll(/registry\.example\.org\/\S*?egress[^\s"]*/g)].map(([image]) => [path, image] as const),
  );
  expect(new Set(images.map(([, image]) => image))).toEqual(
    new Set([`registry.example.org/egress:${manifest.version}`]),
  );
  expect(images.map(([path]) => path)).toEqual([
    "compose.yaml",
    "kubernetes/sandbox.yaml",
    "opensandbox.toml",
  ]);
});

test("each initial policy is one", () => {
  const policies = FILES.flatMap(([, text]) =>
    [...text.matchAll(/'(\{"defaultAction".*)'/g)].map(([, json]) => json),
  );
  expect(policies).toHaveLength(2);
  for (const json of policies) expect(parsePolicyJson(json ?? "")).toMatchObject({ ok: true });
});

test("compose.yaml is what Compose's schema says", () => {
  const validate = new Ajv2020({ strict: false, validateFormats: false }).compile(composeSchema);
  const compose: unknown = parse(readDeployFile("compose.yaml"));
  validate(compose);
  expect(validate.errors).toBeNull();
  expect(validate({ services: { egress: { cap_ad: [] } } })).toBe(false);
});

test("docs/deployments.md names each file", () => {
  const folders = new Set(FILES.map(([path]) => path.split("/")[0]));
  for (const name of folders) expect(PAGE).toContain(`deploy/${name}`);
});
