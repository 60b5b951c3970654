/**
 * Row 29: the kernel's settings of the network namespace, where the runtime leaves `/proc/sys` open to the
 * workload.
 */
import { beforeAll, describe, expect, test } from "vitest";
import { writeSysctl } from "../../src/netns/namespace.ts";
import { FAMILIES, type Family, skipWithoutFamily } from "../support/families.ts";
import { type Lab } from "../support/lab.ts";
import { until } from "../support/until.ts";
import { useLab } from "../support/use-lab.ts";
import { attack, deniedAddress, leaksOf, macOf, POLICY, startAttack } from "./attack.ts";

const MARK = 0x12345678;
const LAST_MARK = 0x0bad_cafe;
/** On the link, and nobody's. */
const NEIGHBOUR = { IPv4: "192.0.2.77", IPv6: "2001:db8::77" } as const;
const WITH_NEIGHBOURS = {
  defaultAction: "deny",
  egress: [...POLICY.egress, ...Object.values(NEIGHBOUR).map((target) => ({ action: "allow", target }))],
};

const bare = useLab();
const lab = useLab();
beforeAll(async () => {
  await lab.startSidecar({ policy: WITH_NEIGHBOURS });
  // As Docker leaves it, which not every workload could do by itself.
  for (const one of [bare, lab]) await writeSysctl(one.sandbox, "net.ipv4.ip_forward", "1");
});

const passOn = (where: Lab, family: Family) => async (): Promise<void> => {
  expect(await attack(where, "settings", "write")).toMatchObject({
    "ipv4/fwmark_reflect": "written",
    "ipv4/conf/lo/accept_source_route": "written",
  });
  await attack(where, "settings", "passed-on", family.sandbox, deniedAddress(family, 29));
};

describe.each(FAMILIES)("$name", (family) => {
  test("without a sidecar the sandbox passes on what is addressed to itself", async (context) => {
    skipWithoutFamily(context, lab, family);
    const leaks = await leaksOf(bare, passOn(bare, family));
    expect(leaks.map(({ destination }) => destination)).toContain(deniedAddress(family, 29));
  });

  test("under the sidecar no setting makes a way out", async (context) => {
    skipWithoutFamily(context, lab, family);
    const gateway = await macOf(lab.internet);
    const places = [family.sandbox, deniedAddress(family, 29), family.one] as const;
    const leaks = await leaksOf(lab, async () => {
      await passOn(lab, family)();
      await attack(lab, "raw_ip", "send", ...places);
      await attack(lab, "raw_ip", "sources", ...places, family.upstream);
      await attack(lab, "frames", "send", "lo", "00:00:00:00:00:00", family.one, deniedAddress(family, 29));
      await attack(lab, "frames", "send", "eth0", gateway, family.sandbox, deniedAddress(family, 29));
    });
    // Settings that make a router of the sandbox have the kernel join routers' groups, and report them to the
    // link.
    expect(leaks.filter(({ destination }) => destination !== "ff02::16")).toEqual([]);
    expect(await lab.dig("-t", family.qtype, "one.example.org")).toMatchObject({ addresses: [family.one] });
  });
});

describe("what the kernel says of a neighbour that is not there", () => {
  test("has the packet's mark where there is no sidecar", async () => {
    expect(await marksReflected(bare)).toEqual([MARK]);
  });

  test("tells no stamp under the sidecar", async () => {
    expect(await marksReflected(lab)).toEqual([]);
  });
});

/** Marks that raw sockets were told while the kernel told of packets that could not be delivered. */
async function marksReflected(where: Lab): Promise<readonly unknown[]> {
  const neighbours = where.ipv6 ? Object.values(NEIGHBOUR) : [NEIGHBOUR.IPv4];
  await attack(where, "settings", "write");
  await using watch = await startAttack(where, "marks", "watch");
  const outcome = await attack(where, "settings", "unreachable", String(MARK), ...neighbours);
  expect(outcome).toEqual(Object.fromEntries(neighbours.map((address) => [address, "EHOSTUNREACH"])));
  await attack(where, "marks", "mark-own", String(LAST_MARK), "6", "127.0.0.1", "9");
  const seen = () => watch.lines.flatMap(({ value }) => (typeof value === "number" ? [value] : []));
  await until("the last one is seen", () => seen().includes(LAST_MARK));
  return [...new Set(seen())].filter((value) => value !== LAST_MARK);
}
