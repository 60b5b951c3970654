import { expect, test } from "vitest";
import { readPlace } from "../../../src/cli/call/place.ts";

test.each([
  ["192.0.2.2:18080", "http://192.0.2.2:18080"],
  ["localhost:18080", "http://localhost:18080"],
  ["sidecar.example.org:18080/proxy", "http://sidecar.example.org:18080/proxy"],
  ["[2001:db8::2]:18080", "http://[2001:db8::2]:18080"],
  ["http://192.0.2.2:18080", "http://192.0.2.2:18080"],
  ["https://192.0.2.2/x", "https://192.0.2.2/x"],
])("--url %s is %s", (given, url) => {
  expect(readPlace({ url: given })).toMatchObject({ ok: true, value: { url } });
});

test.each(["192.0.2.2", "ftp://192.0.2.2:21", "unix:/run/x", "2001:db8::2:18080", ""])(
  "--url %s is refused",
  (url) => {
    expect(readPlace({ url })).toMatchObject({ ok: false, problems: [{ path: "--url" }] });
  },
);
