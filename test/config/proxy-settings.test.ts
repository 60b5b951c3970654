import { describe, expect, test } from "vitest";
import { readEverySetting } from "../../src/config.ts";

const PROXY = "OPENSANDBOX_EGRESS_UPSTREAM_PROXY";
const AUTH = "OPENSANDBOX_EGRESS_UPSTREAM_PROXY_AUTH";
const ON = { OPENSANDBOX_EGRESS_MITMPROXY_TRANSPARENT: "true" };

const problemsOf = (env: Record<string, string>) => readEverySetting(env).problems;

describe("where a proxy is", () => {
  test.each([
    ["http://proxy.example.net:3128", { isSecure: false, host: "proxy.example.net", port: 3128 }],
    ["http://proxy.example.net", { isSecure: false, host: "proxy.example.net", port: 80 }],
    ["https://Proxy.Example.Net./", { isSecure: true, host: "proxy.example.net", port: 443 }],
    ["http://[2001:DB8::1]:8080", { isSecure: false, host: "2001:db8::1", port: 8080 }],
    [" http://192.0.2.1:3128 ", { isSecure: false, host: "192.0.2.1", port: 3128 }],
  ])("%s", (text, place) => {
    const { settings, problems } = readEverySetting({ ...ON, [PROXY]: text });
    expect(problems).toEqual([]);
    expect(settings.upstreamProxy).toEqual(place);
  });

  test.each([
    ["proxy.example.net:3128", /^is not a/],
    ["socks5://proxy.example.net", /http/],
    ["http://user:hunter2@proxy.example.net", new RegExp(`belong into ${AUTH}`)],
    ["http://hunter2@proxy.example.net", /credentials/],
    ["http://proxy.example.net/hunter2", /more than a host/],
    ["http://proxy.example.net/?hunter2", /more than a host/],
    ["http://proxy.example.net/#hunter2", /more than a host/],
    ["http://proxy.example.net:53", /port/],
    ["http://localhost:3128", /in the sandbox itself/],
    ["http://a.localhost", /in the sandbox itself/],
    ["http://127.0.0.2:3128", /in the sandbox itself/],
    ["http://0.0.0.0:3128", /in the sandbox itself/],
    ["http://[::1]:3128", /in the sandbox itself/],
    ["http://[::]:3128", /in the sandbox itself/],
    ["http://[::ffff:127.0.0.1]:3128", /in the sandbox itself/],
    ["http://under_%20score", /./],
  ])("%s is a problem, which does not show the text", (text, message) => {
    const problems = problemsOf({ ...ON, [PROXY]: text });
    expect(problems).toEqual([{ path: PROXY, message: expect.stringMatching(message) }]);
    expect(problems[0]?.message).not.toMatch(/hunter2/);
  });
});

describe("what it is told of us", () => {
  const proxied = { ...ON, [PROXY]: "http://proxy.example.net" };

  test.each(["Basic dXNlcjpodW50ZXIy", "Bearer a.b.c", 'Digest username="u", response="x"'])("%s", (text) => {
    expect(readEverySetting({ ...proxied, [AUTH]: text })).toMatchObject({
      problems: [],
      settings: { upstreamProxyAuth: text },
    });
  });

  test.each(["user:hunter2", "Basic hunter2\r\nX: y", "Basic ", `Basic ${"x".repeat(9000)}`])(
    "%j",
    (text) => {
      const problems = problemsOf({ ...proxied, [AUTH]: text });
      expect(problems).toEqual([{ path: AUTH, message: expect.any(String) }]);
      expect(problems[0]?.message).not.toMatch(/hunter2|xxx/);
    },
  );
});

describe("what keeps it from being the only way is a problem", () => {
  const proxied = { [PROXY]: "http://proxy.example.net" };

  test.each<[string, Record<string, string>, string, RegExp]>([
    ["credentials without a proxy", { [AUTH]: "Basic dTpw" }, AUTH, new RegExp(`needs ${PROXY}`)],
    ["nothing is intercepted", proxied, PROXY, /needs OPENSANDBOX_EGRESS_MITMPROXY_TRANSPARENT=true/],
    [
      "lookups alone are enforced",
      { ...proxied, ...ON, OPENSANDBOX_EGRESS_MODE: "dns" },
      PROXY,
      /MODE=dns\+nft/,
    ],
  ])("%s", (_what, env, path, message) => {
    expect(problemsOf(env)).toEqual([{ path, message: expect.stringMatching(message) }]);
  });
});
