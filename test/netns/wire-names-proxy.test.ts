/**
 * A proxy in the sandbox's environment that the policy allows by its name: requests that name their host are
 * judged by that, a tunnel is refused with the remedy, and the remedy is one.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { configure, writeResolvConf } from "../../src/netns/namespace.ts";
import { FAMILIES, type Family, skipWithoutFamily } from "../support/families.ts";
import { INTERNET_V4 } from "../support/lab.ts";
import type { Sidecar } from "../support/sidecar.ts";
import { startTinyproxy, type Tinyproxy } from "../support/tinyproxy.ts";
import { until } from "../support/until.ts";
import { useLab } from "../support/use-lab.ts";

const [PROXY, GOOD, EVIL] = ["proxy.example.org", "one.example.org", "two.example.org"];
const PROXY_ADDRESSES = ["198.51.100.60", "2001:db8:100::60"] as const;
const PORT = 3128;
/** curl: the proxy refused the tunnel, or was gone; no answer; reset. */
const REFUSED = [35, 52, 56];

const lab = useLab({ zone: { [PROXY]: { addresses: PROXY_ADDRESSES } }, upstream: { ttlSeconds: 300 } });
let proxy: Tinyproxy;
let sidecar: Sidecar;
beforeAll(async () => {
  await configure(lab.internet, ["link set lo up"]);
  await writeResolvConf(lab.internet, `nameserver ${INTERNET_V4}\n`);
  proxy = await startTinyproxy(lab.internet, { port: PORT });
  sidecar = await lab.startSidecar({ env: { OPENSANDBOX_EGRESS_WIRE_NAMES: "known" } });
});
afterAll(() => proxy[Symbol.asyncDispose]());

describe.each(FAMILIES)("$name", (family: Family) => {
  beforeEach(async (context) => {
    skipWithoutFamily(context, lab, family);
    const egress = [PROXY, GOOD].map((target) => ({ action: "allow", target }));
    await sidecar.api("PUT", "/policy", { body: { egress } });
  });
  const address = PROXY_ADDRESSES[family.name === "IPv4" ? 0 : 1];
  /** Where the machine's own variables name no proxy. */
  const ask = (...args: readonly string[]) => {
    const byProxy = [
      "curl",
      "-s",
      "--noproxy",
      "",
      family.flag,
      "--proxy",
      `http://${PROXY}:${PORT}`,
    ] as const;
    return lab.asWorkload([...byProxy, ...args]);
  };

  test("a request that names its host is judged by that", async () => {
    expect(await ask(`http://${GOOD}/`)).toMatchObject({
      exitCode: 0,
      stdout: expect.stringMatching(/^hello from /),
    });
    expect(REFUSED).toContain((await ask(`http://${EVIL}/`)).exitCode);
    // A kept connection goes on being judged.
    const kept = await ask(`http://${GOOD}/`, `http://${EVIL}/`);
    expect(REFUSED).toContain(kept.exitCode);
  });

  test.each([GOOD, EVIL])(
    "a tunnel to %s is refused, told with the remedy, and passes by that",
    async (name) => {
      const before = sidecar.logs().length;
      const asked = proxy.asked().length;
      const tunnel = ["--proxytunnel", `http://${name}:80/`] as const;
      expect(REFUSED).toContain((await ask(...tunnel)).exitCode);
      const told = await until("it is told", () =>
        sidecar
          .logs()
          .slice(before)
          .find((line) => line["reason"] === "shown-form"),
      );
      expect(told).toMatchObject({
        "reason.detail": `a request to a proxy (CONNECT ${name}:80): allow the proxy's address and port`,
        "target.ips": [address],
        "target.port": PORT,
        "address.names": [PROXY],
      });
      expect(proxy.asked().slice(asked)).toEqual([]);
      const rule = [{ action: "allow", target: address, ports: [PORT] }];
      expect(await sidecar.api("PATCH", "/policy", { body: rule })).toMatchObject({ status: 200 });
      expect(await ask(...tunnel)).toMatchObject({ exitCode: 0 });
      expect(proxy.asked().slice(asked)).toEqual([`${name}:80`]);
    },
  );
});
