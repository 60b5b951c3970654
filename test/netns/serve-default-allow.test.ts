/**
 * Where the default action allows, a name that a change denies takes with it the addresses that only it has
 * given.
 */
import { beforeAll, beforeEach, describe, expect, test } from "vitest";
import { startDownload } from "../support/download.ts";
import { FAMILIES, type Family, skipWithoutFamily, urlOf } from "../support/families.ts";
import { readAddresses } from "../support/kernel-sets.ts";
import type { Sidecar } from "../support/sidecar.ts";
import { promised } from "../support/limits.ts";
import { until } from "../support/until.ts";
import { useLab } from "../support/use-lab.ts";

const ALLOW = { defaultAction: "allow", egress: [] };

const lab = useLab({ upstream: { ttlSeconds: 300 } });
let sidecar: Sidecar;
beforeAll(async () => {
  sidecar = await lab.startSidecar({ policy: ALLOW });
});
beforeEach(() => change("PUT", ALLOW));

async function change(method: string, body: unknown): Promise<void> {
  expect(await sidecar.api(method, "/policy", { body })).toMatchObject({ status: 200 });
}
const deny = (target: string) => change("PATCH", [{ action: "deny", target }]);
const reach = async (address: string): Promise<string> => {
  const { exitCode } = await lab.curl(urlOf(address));
  return exitCode === 0 ? "reached" : `curl ${exitCode}`;
};
/** Of two.example.org's server, with this as Host; without one if it is empty. */
const askFor = async (family: Family, host: string): Promise<string> => {
  const { exitCode } = await lab.curl(family.flag, "-H", `Host: ${host}`, "http://two.example.org/");
  return exitCode === 0 ? "reached" : `curl ${exitCode}`;
};
const threeOf = ({ one }: Family): string => one.replace(/1$/, "3");
const REFUSED = "curl 7";
const RESET = /^curl 5[56]$/;

describe.each(FAMILIES)("$name", (family: Family) => {
  beforeEach((context) => skipWithoutFamily(context, lab, family));

  test("its flows are cut and its address is refused, others' are not", async () => {
    const cut = await startDownload(lab, "http://one.example.org/slow", family.flag);
    const kept = await startDownload(lab, "http://two.example.org/slow", family.flag);
    await deny("one.example.org");
    await until("the download has ended", () => cut.hasEnded(), promised(1000));
    expect([await reach(family.one), await reach(family.two)]).toEqual([REFUSED, "reached"]);
    const before = kept.octets();
    await until("the other goes on", () => kept.octets() > before + 4096);
    await kept.stop();
  });

  test("a datagram flow that only receives stops, too", async () => {
    await lab.dig("two.example.org", family.qtype);
    const script = `
import socket, sys
one = socket.socket(socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET, socket.SOCK_DGRAM)
one.sendto(b"stream 3000 10", (sys.argv[1], 7))
while True:
    one.recv(999)
    print("received", flush=True)
`;
    const listener = lab.startAsWorkload(["python3", "-c", script, family.two]);
    let lastMs = 0;
    listener.stdout.on("data", () => (lastMs = performance.now()));
    listener.stderr.resume();
    await until("datagrams arrive", () => lastMs > 0);
    await deny("two.example.org");
    await until("nothing more arrives", () => performance.now() - lastMs > 300);
    expect(await reach(family.two)).toBe(REFUSED);
    listener.kill("SIGKILL");
    await listener.end;
  });

  test("an address that an allowed name gives too stays, until that one is denied", async () => {
    for (const name of ["a", "b"]) await lab.dig(`${name}.wild.example.org`, family.qtype);
    await deny("a.wild.example.org");
    expect(await reach(family.wild)).toBe("reached");
    await deny("b.wild.example.org");
    expect(await reach(family.wild)).toBe(REFUSED);
    await lab.dig("c.wild.example.org", family.qtype);
    expect(await reach(family.wild)).toBe("reached");
  });

  test("a name that is allowed again has its address back, without a lookup", async () => {
    await lab.dig("three.example.org", family.qtype);
    await deny("three.example.org");
    await deny("one.example.org");
    expect(await reach(threeOf(family))).toBe(REFUSED);
    await change("DELETE", ["three.example.org"]);
    expect(await reach(threeOf(family))).toBe("reached");
    expect(await readAddresses(lab.sandbox, `revoked_${family.set}`)).toContain(family.one);
    expect(await readAddresses(lab.sandbox, `revoked_${family.set}`)).not.toContain(threeOf(family));
  });

  test("what shows a denied name is refused, what cannot be read passes", async () => {
    await deny("three.example.org");
    expect(await askFor(family, "two.example.org")).toBe("reached");
    expect(await askFor(family, "three.example.org")).toMatch(RESET);
    expect(await askFor(family, "")).toBe("reached");
  });

  test("a restart knows whose the address was", async () => {
    await lab.dig("two.example.org", family.qtype);
    await deny("two.example.org");
    await sidecar.kill("SIGKILL");
    const denying = { defaultAction: "allow", egress: [{ action: "deny", target: "two.example.org" }] };
    sidecar = await lab.startSidecar({ policy: denying });
    expect(await reach(family.two)).toBe(REFUSED);
    await change("PUT", ALLOW);
    expect(await reach(family.two)).toBe("reached");
  });
});

test("known limit: of a name that was denied from the start no lookup has shown an address", async () => {
  await change("PUT", { defaultAction: "allow", egress: [{ action: "deny", target: "one.example.org" }] });
  expect(await lab.dig("one.example.org", "A")).toMatchObject({
    addresses: [],
    ede: expect.stringMatching(/^15\b/),
  });
  expect(await reach("198.51.100.1")).toBe("reached");
});
