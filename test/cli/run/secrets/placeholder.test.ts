import { assert, property, string as text } from "fast-check";
import { describe, expect, test } from "vitest";
import { drawPlaceholder } from "../../../../src/cli/run/secrets/placeholder.ts";

const CLAIMS = `${Buffer.from('{"alg":"RS256"}').toString("base64url")}.${Buffer.from('{"sub":"robot","exp":1}').toString("base64url")}`;

const ofKind = (secret: string): string =>
  secret.replaceAll(/[a-z]/g, "a").replaceAll(/[A-Z]/g, "A").replaceAll(/\d/g, "0");

describe("a placeholder has the length and shape of the secret, and keeps what tells its kind", () => {
  test.each([
    ["ghp_16C7e42F292c6912E7710c838347Ae178B4a", "ghp_"],
    ["github_pat_11ABCDEFG0123456789_abcdefghij", "github_pat_"],
    ["sk-ant-api03-AbCdEfGhIjKlMnOpQr_stuvwx-yz0123", "sk-ant-api03-"],
    ["sk-proj-AbCdEfGhIjKlMnOp", "sk-proj-"],
    ["sk-0123456789abcdefABCDEF", "sk-"],
    ["AKIAIOSFODNN7EXAMPLE", "AKIA"],
    ["xoxb-123456789012-abcdefGHIJKL", "xoxb-"],
    ["npm_abcdefghijklmnopqrstuvwxyz0123456789", "npm_"],
    ["0123456789abcdef0123456789abcdef", ""],
    [`${CLAIMS}.c2lnbmF0dXJlLW9mLXRoZS1jbGFpbXM`, `${CLAIMS}.`],
    ['{"type": "service_account", "key": "abcdef"}', '{"'],
  ])("%s", (secret, kept) => {
    const placeholder = drawPlaceholder(secret);
    expect(ofKind(placeholder)).toBe(ofKind(secret));
    expect(placeholder.startsWith(kept)).toBe(true);
    expect(placeholder.slice(kept.length)).not.toBe(secret.slice(kept.length));
  });
});

test("of a secret, and of two secrets, no placeholder is drawn twice", () => {
  const drawn = Array.from({ length: 200 }, () => drawPlaceholder("ghp_0123456789abcdef"));
  expect(new Set(drawn).size).toBe(200);
});

test.each(["hunter2", "", "----------------", "AKIA", "ghp_1234"])(
  "a secret too short to be told apart gets a longer placeholder: %s",
  (secret) => {
    expect(drawPlaceholder(secret)).toMatch(/^egress-secret-[a-z]{16}$/);
  },
);

test("no placeholder holds the secret or its random part, and each can stand in a header", () => {
  assert(
    property(text({ unit: "binary", minLength: 1, maxLength: 60 }), (secret) => {
      const placeholder = drawPlaceholder(secret);
      expect(placeholder).not.toBe(secret);
      expect(placeholder).toMatch(/^[\x20-\x7e]*$/);
    }),
  );
});
