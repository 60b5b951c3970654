/**
 * Row 5: raw frames, row 26: PACKET_TX_RING among their ways. Row 17: interfaces that appear or change their
 * name.
 */
import { beforeAll, describe, expect, test } from "vitest";
import { configure, execIn } from "../../src/netns/namespace.ts";
import { createVethPair } from "../../src/netns/veth.ts";
import { startCanary } from "../support/canary.ts";
import { FAMILIES, skipWithoutFamily } from "../support/families.ts";
import { until } from "../support/until.ts";
import { useLab } from "../support/use-lab.ts";
import { attack, deniedAddress, leaksOf, macOf, POLICY } from "./attack.ts";

const lab = useLab();
let gateway: string;
beforeAll(async () => {
  gateway = await macOf(lab.internet);
});

describe.each(FAMILIES)("without a sidecar, $name", (family) => {
  test("nearly every frame leaves", async (context) => {
    skipWithoutFamily(context, lab, family);
    const leaks = await leaksOf(lab, () =>
      attack(lab, "frames", "send", "eth0", gateway, family.sandbox, deniedAddress(family, 51)),
    );
    expect(leaks.length).toBeGreaterThan(100);
    expect(new Set(leaks.map(({ ethertype }) => ethertype)).size).toBeGreaterThan(8);
  });
});

describe("under the sidecar", () => {
  beforeAll(async () => {
    await lab.startSidecar({ policy: POLICY });
  });

  test.for(FAMILIES)(
    "row 5: no frame leaves by any kind of packet socket, $name",
    async (family, context) => {
      skipWithoutFamily(context, lab, family);
      expect(await lab.dig("-t", family.qtype, "one.example.org")).toMatchObject({ addresses: [family.one] });
      for (const destination of [deniedAddress(family, 52), family.one]) {
        const leaks = await leaksOf(lab, async () => {
          await attack(lab, "frames", "send", "eth0", gateway, family.sandbox, destination);
        });
        expect(leaks).toEqual([]);
      }
    },
  );

  test("row 5: a frame put on lo is neither routed out nor answered outside", async () => {
    for (const family of FAMILIES) {
      const leaks = await leaksOf(lab, () =>
        attack(lab, "frames", "send", "lo", "00:00:00:00:00:00", family.one, deniedAddress(family, 53)),
      );
      expect(leaks).toEqual([]);
    }
  });

  test("row 17: the workload can neither add addresses and routes nor rename, add or move interfaces", async () => {
    const refused = [
      "addr add 192.0.2.99/24 dev eth0",
      "route add 203.0.113.0/24 dev eth0",
      "link set eth0 name x",
    ];
    const more = [
      "link add m0 link eth0 type macvlan",
      "link add v0 link eth0 type vlan id 7",
      "neigh add 192.0.2.77 lladdr 02:00:00:00:00:01 dev eth0",
    ];
    for (const line of [...refused, ...more]) {
      const { exitCode, stderr } = await lab.asWorkload(["ip", ...line.split(" ")]);
      expect([line, exitCode, stderr]).toEqual([line, 2, expect.stringMatching(/not permitted/)]);
    }
  });

  test("row 17: an interface that is replaced by one of the same name at once is guarded anew", async () => {
    const add = [
      "link add eth3 address 02:00:00:00:00:31 up type veth peer name eth4",
      "addr flush dev eth3",
      "addr add 192.0.2.133/32 dev eth3",
    ];
    const listGuards = async (): Promise<string> =>
      (await execIn(lab.sandbox, ["nft", "list", "table", "netdev", "opensandbox_guard"])).stdout;
    const dropped = async (): Promise<number> =>
      Number(
        /"eth3"(?:(?!device)[^])*?counter packets (\d+) [^]*?"a raw frame"/.exec(await listGuards())?.[1] ??
          -1,
      );
    await configure(lab.sandbox, add);
    await until("it is guarded", async () => (await dropped()) === 0);
    await attack(lab, "frames", "send", "eth3", gateway, "192.0.2.133", "203.0.113.53");
    expect(await dropped()).toBeGreaterThan(0);
    await configure(lab.sandbox, ["link delete eth3", ...add]);
    // Its chain may have gone with the first one (before Linux 6.16): only a ruleset that is loaded whole
    // brings it back.
    await until("its guard is a new one", async () => (await dropped()) === 0);
    await attack(lab, "frames", "send", "eth3", gateway, "192.0.2.133", "203.0.113.53");
    expect(await dropped()).toBeGreaterThan(0);
    await configure(lab.sandbox, ["link delete eth3"]);
  });

  test("row 17: a second interface, and the same under another name, is held to the same policy", async () => {
    await createVethPair(
      {
        namespace: lab.sandbox,
        device: "eth1",
        addresses: ["192.0.2.130/25", "2001:db8:2::2/64"],
        routes: [],
      },
      { namespace: lab.internet, device: "eth1", addresses: ["192.0.2.129/25", "2001:db8:2::1/64"] },
    );
    await using canary = await startCanary(lab.internet, "eth1");
    const far = { IPv4: ["192.0.2.130", "192.0.2.129"], IPv6: ["2001:db8:2::2", "2001:db8:2::1"] } as const;
    for (const device of ["eth1", "renamed0"]) {
      if (device !== "eth1")
        await configure(lab.sandbox, [
          "link set eth1 down",
          `link set eth1 name ${device}`,
          `link set ${device} up`,
        ]);
      await until("the interface is guarded", async () =>
        (await execIn(lab.sandbox, ["nft", "list", "table", "netdev", "opensandbox_guard"])).stdout.includes(
          `"${device}"`,
        ),
      );
      for (const { name } of FAMILIES) {
        const [own, neighbour] = far[name];
        const frames = await canary.during(async () => {
          await attack(lab, "everyday", "reach", neighbour);
          await attack(lab, "frames", "send", device, await macOf(lab.internet, "eth1"), own, neighbour);
        });
        expect(
          frames.filter(
            ({ transport, icmpType = 0 }) =>
              transport !== "arp" &&
              ![131, 133, 135, 136, 143].includes(icmpType) &&
              transport !== "protocol 0",
          ),
        ).toEqual([]);
      }
    }
  });
});
