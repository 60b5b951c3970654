import { expect, test } from "vitest";
import { makeField } from "../../../src/relay/gate/field.ts";
import { namesOtherHost } from "../../../src/relay/gate/overrides.ts";

const OWN = { name: "api.example.org", port: 443 };

test.each([
  ["X-Forwarded-Host", "b.example.org", true],
  ["X_Forwarded_Host", "b.example.org", true],
  ["X-Forwarded-Host", "api.example.org", false],
  ["X-Forwarded-Host", "API.Example.org.:443", false],
  ["X-Forwarded-Host", "api.example.org:8443", true],
  ["X-Forwarded-Host", "api.example.org, b.example.org", true],
  ["X-Forwarded-Host", "", true],
  ["X-Original-Host", "b.example.org", true],
  ["X-Host", "b.example.org", true],
  ["X-Forwarded-Server", "b.example.org", true],
  ["X-HTTP-Host-Override", "b.example.org", true],
  ["Forwarded", "for=192.0.2.1", false],
  ["Forwarded", 'for="[2001:db8::1]";proto=https;host=api.example.org', false],
  ["Forwarded", 'Host="api.example.org:443"', false],
  ["Forwarded", "for=192.0.2.1, for=192.0.2.2;host=b.example.org", true],
  ["Forwarded", 'host="b.example.org"', true],
  ["Forwarded", 'for="_x;host=b.example.org"', true],
  ["Forwarded", 'host="api.example.org', true],
  ["Forwarded", "host = b.example.org", true],
  ["X-Forwarded-For", "192.0.2.1, b.example.org", false],
  ["X-Forwarded-Proto", "https", false],
  ["Origin", "https://b.example.org", false],
])("%s: %s names another host: %s", (name, value, isOther) => {
  expect(namesOtherHost(makeField(name, value), OWN)).toBe(isOther);
});
