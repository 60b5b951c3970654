/**
 * The real program and rules for requests to bound hosts: what passes, what is told, and what becomes of them
 * as bindings and policies change.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { execIn } from "../../src/netns/namespace.ts";
import { API, HERE, OTHER, SECRET, useBoundHosts } from "../support/bound-hosts.ts";
import { FAMILIES, type Family, skipWithoutFamily } from "../support/families.ts";
import { keepConnection } from "../support/kept-connection.ts";
import type { Sidecar } from "../support/sidecar.ts";
import { MAIN } from "../support/tested-program.ts";
import { until } from "../support/until.ts";

const on = useBoundHosts();
const { lab } = on;
const RULE = { action: "allow", target: API, http: { methods: ["GET", "HEAD"], paths: ["/repos/*"] } };
const POLICY = { egress: [RULE, { action: "allow", target: OTHER }], defaultAction: "deny" };
let sidecar: Sidecar;
beforeAll(async () => {
  // Before anything is bound, as after a restart: a persisted policy is not refused.
  sidecar = await on.start({ OPENSANDBOX_EGRESS_RULES: JSON.stringify(POLICY) });
});
afterAll(() => sidecar[Symbol.asyncDispose]());

async function setPolicy(policy: object): Promise<void> {
  const { status, text } = await sidecar.api("POST", "/policy", { body: policy });
  expect([status, text]).toEqual([200, expect.stringContaining('"status":"ok"')]);
}

describe("before anything is bound", () => {
  test("the host is denied, which explain and status say, and what is not bound is as ever", async () => {
    expect((await lab.dig(API, "A")).rcode).toBe("NXDOMAIN");
    expect((await lab.dig(OTHER, "A")).rcode).toBe("NOERROR");
    expect((await sidecar.api("GET", `/explain?target=${API}&port=443`)).json()).toMatchObject({
      reachable: false,
      because: `no rule allows ${API}; rule ${API} http GET,HEAD /repos/* denies what it speaks of, since no binding has requests to it read`,
      interception: { intercepted: false, bindings: [] },
    });
    expect((await sidecar.api("GET", "/status")).json()).toMatchObject({
      layers: { user: { unread: [RULE] } },
    });
  });

  test("a change that has such a rule is 400 and names the remedy", async () => {
    const { status, text } = await sidecar.api("PATCH", "/policy", { body: [RULE] });
    expect([status, text]).toEqual([
      400,
      expect.stringMatching(/^invalid patch rules: \[0\]\.http: .*bind it by POST/),
    ]);
  });
});

describe.each(FAMILIES)("bound, $name", (family: Family) => {
  const { flag } = family;
  beforeAll(() => on.bind(sidecar, [API]));
  afterAll(() => on.unbind(sidecar));
  beforeEach((context) => skipWithoutFamily(context, lab, family));

  test.each(["--http1.1", "--http2"])(
    "curl %s: what the rule allows passes, all else is 403 with the rule",
    async (version) => {
      const curl = [version, flag, "--path-as-is", "--cacert", on.bundle(sidecar)];
      const seen = await on.requestsDuring(async () => {
        expect(await on.status(`https://${API}/repos/a?b=c`, ...curl)).toBe("200");
        expect(await on.status(`https://${API}/repos/a`, "-I", ...curl)).toBe("200");
        for (const path of [
          "/",
          "/repos",
          "/repos/../user",
          "/repos/%2e%2e/user",
          "/repos/..%2fuser",
          "//repos/a",
        ])
          expect([path, await on.status(`https://${API}${path}`, ...curl)]).toEqual([path, "403"]);
        const { answer } = await on.ask(`https://${API}/repos/a`, "-X", "POST", ...curl);
        expect(answer).toEqual({
          code: "request-denied",
          message: "the policy refuses this request: no rule allows it",
          layer: "default",
        });
      });
      expect(seen.map(({ path, injected }) => [path, injected])).toEqual([
        ["/repos/a?b=c", SECRET],
        // A HEAD gets no credential by a binding's default methods.
        ["/repos/a", undefined],
      ]);
    },
  );

  test("a rule that denies is named, and what is not read of its host is denied, port 80 too", async () => {
    const denying = { ...RULE, action: "deny", http: { paths: ["/admin/*"] } };
    await setPolicy({ ...POLICY, egress: [denying, { action: "allow", target: API }, ...POLICY.egress] });
    const curl = [flag, "--cacert", on.bundle(sidecar)];
    const { answer } = await on.ask(`https://${API}/ADMIN/x`, ...curl);
    expect(answer).toMatchObject({ layer: "user", rule: `${API} http /admin/*` });
    expect(await on.status(`https://${API}/other`, ...curl)).toBe("200");
    expect(await on.status(`http://${API}/admin/x`, flag, "--max-time", "10")).toBe("000");
    await setPolicy(POLICY);
  });
});

describe("under changes", () => {
  beforeAll(() => on.bind(sidecar, [API]));

  test("a change of the policy is in force for the next request of a kept connection", async () => {
    await using kept = await keepConnection(lab, API, on.bundle(sidecar));
    expect(await kept.ask("/repos/a")).toBe("200");
    await setPolicy({
      ...POLICY,
      egress: [{ ...RULE, http: { methods: ["POST"] } }, ...POLICY.egress.slice(1)],
    });
    expect(await kept.ask("/repos/a")).toBe("403");
    await setPolicy(POLICY);
  });

  test("explain tells the interception, and what becomes of a request", async () => {
    const asked = `/explain?target=${API}&method=POST&path=/repos/a`;
    expect((await sidecar.api("GET", asked)).json()).toMatchObject({
      reachable: false,
      because: expect.stringMatching(
        /its requests are read here, for the binding b; POST \/repos\/a is refused: no rule allows it$/,
      ),
      interception: {
        intercepted: true,
        bindings: [{ name: "b", ports: [443], since: expect.stringMatching(/^\d{4}-.*Z$/) }],
      },
      request: { method: "POST", path: "/repos/a", decision: { action: "deny", layer: "default" } },
    });
    const argv = ["explain", API, "--path", "/repos/a", "--socket", sidecar.socketPath];
    const { stdout, exitCode } = await execIn(lab.sandbox, [process.execPath, MAIN, ...argv], {
      env: { PATH: process.env["PATH"] },
    });
    expect([exitCode, stdout]).toEqual([
      0,
      expect.stringContaining(`GET /repos/a is allowed by rule ${API} http GET,HEAD`),
    ]);
    expect(stdout).toMatch(/\nbindings\n {2}b +at port 443 +since \d/);
  });

  test("a refused request is an event and is counted, and no path is told", async () => {
    const path = "/not-for-the-log";
    await on.status(`https://${API}${path}`, "-X", "PUT", "--cacert", on.bundle(sidecar));
    const line = await until("the log tells of it", () =>
      sidecar
        .logs()
        .find((one) => one["reason"] === "shown-request" && one["reason.detail"] === "a PUT request"),
    );
    expect(line).toMatchObject({
      "opensandbox.event": "egress.denied",
      decision: "denied",
      "target.host": API,
      "target.port": 443,
      layer: "default",
    });
    expect(sidecar.output()).not.toContain(path);
    const { text } = await sidecar.api("GET", "/metrics");
    expect(Number(/^egress_requests_refused_total (\d+)/m.exec(text)?.[1])).toBeGreaterThan(0);
  });

  test("audit mode lets all requests through, and tells of them", async () => {
    await sidecar.api("PUT", "/audit", { body: { enabled: true } });
    expect(await on.status(`https://${API}/user`, "-X", "PUT", "--cacert", on.bundle(sidecar))).toBe("200");
    await until("the log tells of it", () =>
      sidecar
        .logs()
        .find((one) => one["opensandbox.event"] === "egress.audited" && one["reason"] === "shown-request"),
    );
    await sidecar.api("PUT", "/audit", { body: { enabled: false } });
    expect(await on.status(`https://${API}/user`, "-X", "PUT", "--cacert", on.bundle(sidecar))).toBe("403");
  });

  test("when its binding goes the host is denied, at its known address too; when it comes back it is served", async () => {
    const [address] = HERE;
    // Whatever other names have opened is closed.
    await setPolicy({ egress: [RULE] });
    const trusting = ["-4", "--cacert", on.bundle(sidecar)];
    expect(await on.status(`https://${API}/repos/a`, ...trusting)).toBe("200");
    await on.unbind(sidecar);
    const seen = await on.requestsDuring(async () => {
      const place = ["--resolve", `${API}:443:${address}`, "--max-time", "10"];
      expect((await on.ask(`https://${API}/repos/a`, "-k", ...place)).code).not.toBe(0);
    });
    expect(seen).toEqual([]);
    expect((await lab.dig(API, "A")).rcode).toBe("NXDOMAIN");
    await on.bind(sidecar, [API]);
    expect(await on.status(`https://${API}/repos/a`, "-4", "--cacert", on.bundle(sidecar))).toBe("200");
    expect(await on.status(`https://${API}/user`, "-4", "--cacert", on.bundle(sidecar))).toBe("403");
  });
});
