/**
 * The presets that come with the program: each says where its targets were read and when, and allows nothing
 * but names.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { z } from "zod";
import { parseConfig } from "../../../../src/cli/run/config/parse-config.ts";

const FOLDER = fileURLToPath(new URL("../../../../rules/presets", import.meta.url));
const shape = z.strictObject({
  description: z.string().min(20),
  sources: z.array(z.url({ protocol: /^https$/ })).min(1),
  date: z.iso.date(),
  allow: z.array(z.string()).min(3),
});

const names = readdirSync(FOLDER);

test("there are some", () => {
  expect(names).toEqual(["code-hosts.yaml", "container-registries.yaml", "model-apis.yaml"]);
});

describe.each(names)("%s", (name) => {
  const text = readFileSync(join(FOLDER, name), "utf8");

  test("says what it is for, its sources and their date", () => {
    expect(() => shape.parse(parse(text))).not.toThrow();
  });

  test("allows names, each once, and no wildcard that is as wide as a domain that anybody can register in", () => {
    const config = parseConfig(text, name);
    if (!config.ok) throw new Error(JSON.stringify(config.problems));
    const targets = config.value.rules.map(({ action, target }) => ({ action, kind: target.kind }));
    expect(targets.filter(({ action, kind }) => action !== "allow" || kind === "prefix")).toEqual([]);
    const keys = config.value.rules.map(({ target }) => target.key);
    expect(new Set(keys).size).toBe(keys.length);
    const wide = keys.filter((key) => key.startsWith("*.") && key.split(".").length < 4);
    expect(wide).toEqual([]);
  });
});
