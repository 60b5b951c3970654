/** What a run says of proxies that its command's environment names. */
import { expect, test } from "vitest";
import { describeProxies } from "../../../../src/cli/run/command/proxies.ts";

const ALLOW =
  "has to be allowed by its address, and which names are reached through it is for that proxy to say";

test.each([
  ["http://proxy.example.org:3128/", "proxy.example.org:3128"],
  ["proxy.example.org:3128", "proxy.example.org:3128"],
  ["proxy.example.org", "proxy.example.org"],
  ["socks5h://me:pass@w@proxy.example.org:1080", "proxy.example.org:1080"],
  ["http://[2001:db8::7]:3128", "[2001:db8::7]:3128"],
  ["http://192.0.2.7", "192.0.2.7"],
])("of %s it tells the place, and no password", (value, place) => {
  expect(describeProxies({ https_proxy: value })).toEqual([`https_proxy names a proxy: ${place} ${ALLOW}`]);
});

test.each(["localhost:3128", "http://127.0.0.53:8080/", "http://[::1]:3128"])(
  "%s is told as the command's own loopback",
  (value) => {
    const lines = describeProxies({ ALL_PROXY: value });
    expect(lines).toEqual([
      expect.stringContaining("is the command's own in a run: unset it (env -u ALL_PROXY"),
    ]);
  },
);

test("one proxy is one line, whatever variables name it", () => {
  const place = "http://proxy.example.org:3128";
  const lines = describeProxies({ http_proxy: place, HTTP_PROXY: `${place}/`, HTTPS_PROXY: "other:1" });
  expect(lines).toEqual([
    `HTTPS_PROXY names a proxy: other:1 ${ALLOW}`,
    `HTTP_PROXY and http_proxy name a proxy: proxy.example.org:3128 ${ALLOW}`,
  ]);
});

test.each([
  [{}],
  [{ http_proxy: "" }],
  [{ http_proxy: undefined, ftp_proxy: "http://proxy.example.org" }],
  [{ http_proxy: "http://" }],
  [{ http_proxy: "http://proxy.example.org", no_proxy: "*" }],
])("nothing is told of %o", (env) => {
  expect(describeProxies(env)).toEqual([]);
});
