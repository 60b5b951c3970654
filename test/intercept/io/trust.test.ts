import { mkdtempSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { TrustError } from "../../../src/intercept/errors.ts";
import { readTrust } from "../../../src/intercept/io/trust.ts";
import { createOriginAuthority } from "../../support/origin-certificates.ts";

const folder = mkdtempSync(join(tmpdir(), "trust-"));
afterAll(() => rmSync(folder, { recursive: true }));
const { ca, issue } = createOriginAuthority();
function put(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}
const failure = (attempt: Promise<unknown>): Promise<unknown> => attempt.catch((error: unknown) => error);

test("a folder as systems keep it is read: bundles, links, keys, what leads nowhere", async () => {
  const roots = join(folder, "roots");
  mkdirSync(join(roots, "java"), { recursive: true });
  writeFileSync(join(roots, "bundle.crt"), `# a comment\n${ca}${createOriginAuthority().ca}`);
  writeFileSync(join(roots, "key.pem"), issue(["a.example.org"]).key);
  symlinkSync("bundle.crt", join(roots, "abcdef01.0"));
  symlinkSync("/nowhere", join(roots, "nowhere.pem"));
  expect(await readTrust({ folder: roots, extra: undefined })).toBeDefined();
});

test("without a folder the roots that the program brings along count", async () => {
  expect(await readTrust({ folder: join(folder, "none"), extra: put("ca.pem", ca) })).toBeDefined();
});

describe("a file of more roots that is of no use", () => {
  test.each([
    ["is not there", () => join(folder, "missing.pem"), "cannot be read"],
    ["holds no certificate", () => put("key.pem", issue(["a.example.org"]).key), "holds no certificate"],
    [
      "holds what is none",
      () => put("broken.pem", "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"),
      "holds a certificate that cannot be read",
    ],
  ])("%s: that is said", async (_what, make, message) => {
    const error = await failure(readTrust({ folder: join(folder, "none"), extra: make() }));
    expect(error).toBeInstanceOf(TrustError);
    expect(String(error)).toContain(message);
  });
});
