/**
 * The sandbox's own address changes under the sockets that ask upstreams: the next lookups go out from the
 * new one.
 */
import { expect, test } from "vitest";
import { configure } from "../../src/netns/namespace.ts";
import { FAMILIES, skipWithoutFamily } from "../support/families.ts";
import { until } from "../support/until.ts";
import { useLab } from "../support/use-lab.ts";

const lab = useLab({ per: "test" });
const POLICY = { egress: [{ action: "allow", target: "*.wild.example.org" }] };

const CHANGES = {
  IPv4: {
    upstream: "192.0.2.1",
    lines: [
      "address del 192.0.2.2/24 dev eth0",
      "address add 192.0.2.9/24 dev eth0",
      "route replace default via 192.0.2.1",
    ],
  },
  IPv6: {
    upstream: "[2001:db8::1]:53",
    lines: [
      "address add 2001:db8::9/64 dev eth0 nodad",
      "address del 2001:db8::2/64 dev eth0",
      "route replace default via 2001:db8::1",
    ],
  },
} as const;

test.for(FAMILIES)("lookups are answered from the new address, $name", async (family, context) => {
  skipWithoutFamily(context, lab, family);
  const { upstream, lines } = CHANGES[family.name];
  await using sidecar = await lab.startSidecar({
    policy: POLICY,
    env: { OPENSANDBOX_EGRESS_DNS_UPSTREAM: upstream },
  });
  let asked = 0;
  const ask = async (): Promise<string | undefined> =>
    (await lab.dig(`n${(asked += 1)}.wild.example.org`, "A")).rcode;
  // More than there are sockets to an upstream, so that each of them is bound to the old address.
  for (let n = 0; n < 24; n += 1) expect(await ask()).toBe("NOERROR");
  await configure(lab.sandbox, lines);
  await until("the next lookups are answered", async () => (await ask()) === "NOERROR");
  const rcodes: (string | undefined)[] = [];
  for (let n = 0; n < 24; n += 1) rcodes.push(await ask());
  expect(rcodes).toEqual(rcodes.map(() => "NOERROR"));
  await until("health is good", async () => (await sidecar.api("GET", "/healthz")).status === 200);
});
