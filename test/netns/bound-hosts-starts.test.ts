/**
 * Starts and ends of a sidecar that intercepts: closed while it is away, its certificates there in time, and
 * what is wrong with a start.
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { execIn } from "../../src/netns/namespace.ts";
import {
  API,
  BELOW,
  certificatesOf,
  DENIED,
  HERE,
  OTHER,
  POLICY,
  SECRET,
  useBoundHosts,
} from "../support/bound-hosts.ts";
import type { Sidecar } from "../support/sidecar.ts";
import { until } from "../support/until.ts";

const on = useBoundHosts();
const { lab } = on;
let sidecar: Sidecar;
beforeAll(async () => {
  sidecar = await on.start();
});
afterAll(() => sidecar[Symbol.asyncDispose]());

test("a sidecar that is killed leaves bound hosts closed, and the names of others unread; its successor writes another certificate", async () => {
  await on.bind(sidecar, [API]);
  const before = readFileSync(on.bundle(sidecar), "utf8");
  await lab.dig(API, "A");
  await lab.dig(BELOW, "A");
  await sidecar.kill("SIGKILL");
  const [api] = HERE;
  expect((await on.ask(`https://${API}/`, "-k", "--resolve", `${API}:443:${api}`)).code).toBe(7);
  const other = ["--max-time", "2", "-k", "--resolve", `${BELOW}:443:198.51.100.20`] as const;
  expect((await on.ask(`https://${BELOW}/`, ...other)).code).toBe(28);
  sidecar = await on.start();
  expect(readFileSync(on.bundle(sidecar), "utf8")).not.toBe(before);
  expect((await on.ask(`https://${API}/`, "-4", "--cacert", on.rootFile())).code).toBe(0);
});

test("the certificate is there before health is good, and without interception nothing of it is", async () => {
  expect(existsSync(certificatesOf(sidecar))).toBe(true);
  const rules = (await execIn(lab.sandbox, ["nft", "list", "table", "inet", "opensandbox"])).stdout;
  expect(rules).toContain("bound_v4");
  await sidecar.kill();
  sidecar = await lab.startSidecar({ policy: POLICY });
  const without = (await execIn(lab.sandbox, ["nft", "list", "table", "inet", "opensandbox"])).stdout;
  expect(without).not.toContain("bound_v4");
  const answer = await sidecar.api("POST", "/credential-vault", { body: { credentials: [], bindings: [] } });
  expect([answer.status, answer.text.trim()]).toEqual([
    412,
    "credential vault requires transparent mitmproxy",
  ]);
});

test("beside connections that are judged by the name they show, a bound host is answered, and others are passed on or refused", async () => {
  await sidecar.kill();
  sidecar = await on.start({ OPENSANDBOX_EGRESS_WIRE_NAMES: "strict" });
  await on.bind(sidecar, [API]);
  const trusting = ["-4", "--cacert", on.bundle(sidecar)];
  const seen = await on.requestsDuring(async () => {
    expect((await on.ask(`https://${API}/`, ...trusting)).code).toBe(0);
    expect((await on.ask(`https://${OTHER}/`, "-4", "--cacert", on.rootFile())).code).toBe(0);
    expect((await on.ask(`https://${BELOW}/`, "-4", "--cacert", on.rootFile())).code).toBe(0);
    const place = `${DENIED}:443:${HERE[0]}`;
    expect((await on.ask(`https://${DENIED}/`, "-k", "--resolve", place)).code).toBe(35);
  });
  expect(seen.map(({ sni, injected }) => [sni, injected])).toEqual([
    [API, SECRET],
    [OTHER, undefined],
    [BELOW, undefined],
  ]);
});

test("a client that does not trust our certificate is told in the log, and is no denial", async () => {
  expect((await on.ask(`https://${API}/`, "-4", "--cacert", on.rootFile())).code).toBe(60);
  const line = await until("the log tells of it", () =>
    sidecar.logs().find((one) => one["opensandbox.event"] === "egress.request_refused"),
  );
  expect(line).toMatchObject({ "target.host": API, reason: expect.stringContaining("unknown ca") });
});

test("with upstream certificates unchecked by the setting the vault takes nothing", async () => {
  await sidecar.kill();
  sidecar = await on.start({ OPENSANDBOX_EGRESS_MITMPROXY_SSL_INSECURE: "true" });
  const answer = await sidecar.api("POST", "/credential-vault", { body: { credentials: [], bindings: [] } });
  expect([answer.status, answer.text.trim()]).toEqual([
    412,
    "credential vault rejects insecure upstream TLS mode",
  ]);
});

test("roots that cannot be read are what is wrong with the start", async () => {
  await sidecar.kill();
  const extra = join(lab.stateFolder, "none.pem");
  sidecar = await on.start({ OPENSANDBOX_EGRESS_MITMPROXY_UPSTREAM_EXTRA_CA: extra }, { awaitHealth: false });
  const health = await until("it answers", async () => sidecar.api("GET", "/healthz").catch(() => undefined));
  expect([health.status, health.text]).toEqual([503, expect.stringContaining("none.pem cannot be read")]);
});
