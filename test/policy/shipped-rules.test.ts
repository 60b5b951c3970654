import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { parseAlwaysFile, parseNameFile, parsePrefixFile } from "../../src/policy/always-file.ts";
import { compilePolicy } from "../../src/policy/compile.ts";
import { parseAddress } from "../../src/policy/address.ts";
import { decideAddress } from "../../src/policy/decide-address.ts";
import { decideName } from "../../src/policy/decide-name.ts";
import { allowByDefault, qname, valueOf } from "../support/policy.ts";

function shipped(fileName: string): string {
  return readFileSync(new URL(`../../rules/${fileName}`, import.meta.url), "utf8");
}

const denyAlways = valueOf(parseAlwaysFile("deny.always", shipped("deny.always")));
const dohResolvers = valueOf(parsePrefixFile("doh-resolvers", shipped("doh-resolvers")));

test.each([
  "169.254.169.254",
  "169.254.170.2",
  "fd00:ec2::254",
  "fd20:ce::254",
  "100.100.100.200",
  "::ffff:169.254.169.254",
])("the metadata address %s is denied under allow-all", (address) => {
  const policy = compilePolicy({ denyAlways, allowAlways: [], user: allowByDefault() });
  const { family, octets } = valueOf(parseAddress(address));
  expect(decideAddress(policy, octets, 0, family === 4 ? 4 : 16)).toMatchObject({
    action: "deny",
    layer: "deny.always",
  });
});

test.each(["metadata.google.internal", "metadata.tencentyun.com"])(
  "the metadata name %s is denied under allow-all",
  (name) => {
    const policy = compilePolicy({ denyAlways, allowAlways: [], user: allowByDefault() });
    expect(decideName(policy, qname(name))).toMatchObject({ action: "deny", layer: "deny.always" });
  },
);

test("nothing is shipped as always allowed or left out of the log", () => {
  expect(valueOf(parseAlwaysFile("allow.always", shipped("allow.always")))).toEqual([]);
  expect(valueOf(parseNameFile("log_skip.always", shipped("log_skip.always")))).toEqual([]);
});

test("the list of DoH resolvers has both families", () => {
  expect(dohResolvers.map(({ key }) => key)).toEqual(
    expect.arrayContaining(["8.8.8.8", "1.1.1.1", "9.9.9.9", "2001:4860:4860::8888", "2606:4700:4700::1111"]),
  );
});

test("no shipped line is there twice, and each is written in canonical form", () => {
  for (const list of [denyAlways, dohResolvers]) {
    const keys = list.map(({ key }) => key);
    expect(new Set(keys).size).toBe(keys.length);
    expect(list.map(({ text }) => text)).toEqual(keys);
  }
});
