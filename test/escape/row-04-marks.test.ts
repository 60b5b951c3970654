/** Row 4: SO_MARK and SO_PRIORITY open nothing, not even our own; and on packets ours can't be read. */
import { setTimeout as sleep } from "node:timers/promises";
import { beforeAll, describe, expect, test } from "vitest";
import { FAMILIES, skipWithoutFamily } from "../support/families.ts";
import { createLab, type Lab } from "../support/lab.ts";
import type { SidecarOptions } from "../support/sidecar.ts";
import { MAIN } from "../support/tested-program.ts";
import { until } from "../support/until.ts";
import { execIn } from "../../src/netns/namespace.ts";
import { useLab } from "../support/use-lab.ts";
import { attack, deniedAddress, leaksOf, POLICY, questionsOf, startAttack } from "./attack.ts";

const NAME = "secret.three.example.org";
const LAST_MARK = 0x0bad_cafe;
const ALLOW = { defaultAction: "allow", egress: [] };
/** Under each of the groups that the attack tries. */
const ASKED = ["udp", "tcp"].flatMap((kind) =>
  [0, 1, 65_534, 0x5a5a1234].map((group) => `${kind}-${group}.${NAME}`),
);

const WITHOUT_SETGID = ["setpriv", "--bounding-set", "-setgid", "--inh-caps", "-setgid"] as const;

const withUpstreams = ({ ipv6 }: Lab): SidecarOptions => ({
  policy: POLICY,
  env: { OPENSANDBOX_EGRESS_DNS_UPSTREAM: ipv6 ? "192.0.2.1,[2001:db8::1]:53" : "192.0.2.1" },
});

const lab = useLab();
beforeAll(async () => {
  await lab.startSidecar(withUpstreams(lab));
});

describe.each(FAMILIES)("row 4, $name", (family) => {
  test("no mark or priority that the workload sets opens anything", async (context) => {
    skipWithoutFamily(context, lab, family);
    let leaks: unknown;
    const asked = await questionsOf(lab, async () => {
      leaks = await leaksOf(lab, () =>
        attack(lab, "marks", "sweep", deniedAddress(family, 41), family.upstream, NAME),
      );
    });
    expect(leaks).toEqual([]);
    expect(asked).toEqual([]);
  });

  test("no socket sees a mark or priority of the sidecar's packets", async (context) => {
    skipWithoutFamily(context, lab, family);
    await using watch = await startAttack(lab, "marks", "watch");
    const seen = () => watch.lines.slice(1);
    for (let n = 0; n < 20; n++) await lab.dig(`@${family.upstream}`, `${family.name}${n}.wild.example.org`);
    await lab.dig(`@${family.upstream}`, "+tcp", "tcp.wild.example.org");
    await sleep(100);
    expect(seen()).toEqual([]);
    // The tap itself works: it sees a mark of its own.
    const loopback = family.name === "IPv4" ? "127.0.0.1" : "::1";
    await attack(lab, "marks", "mark-own", "305419896", "6", loopback, "9");
    await until("the tap sees it", () => seen().length > 0);
  });

  test("the sidecar's own mark and priority open nothing to other sockets", async (context) => {
    skipWithoutFamily(context, lab, family);
    expect(await askWithItsMarks(lab, family.upstream)).toEqual([]);
  });

  test("they would, where the sidecar has no group for its sockets", async (context) => {
    skipWithoutFamily(context, lab, family);
    await using other = await createLab();
    const program = [...WITHOUT_SETGID, process.execPath, MAIN, "serve"] as const;
    await other.startSidecar({ ...withUpstreams(other), program });
    expect(await askWithItsMarks(other, family.upstream)).toEqual(ASKED.toSorted());
  });
});

/**
 * Each wears the stamp of what may leave, if it wears anything. Who knows that sends any frame.
 */
describe("row 4: copies of what is sent to a group", () => {
  test("come back with their mark where there is no sidecar", async () => {
    await using other = await createLab();
    expect(await markedCopies(other)).toEqual(other.ipv6 ? [4, 6] : [4]);
  });

  test.for([
    ["deny", POLICY],
    ["allow", ALLOW],
  ] as const)("show no stamp under a default of %s", async ([, policy]) => {
    await using other = await createLab();
    await other.startSidecar({ policy });
    expect(await markedCopies(other)).toEqual([]);
  });
});

/** A header that names a host who answers, under which a raw socket sends the packet the way of a group. */
describe("row 4: copies of what goes to a host by the way of a group", () => {
  test("come back with their mark where there is no sidecar", async () => {
    await using other = await createLab();
    expect(await markedDisguises(other)).toEqual([4]);
  });

  test.for([
    ["deny", POLICY],
    ["allow", ALLOW],
  ] as const)("show no stamp under a default of %s", async ([, policy]) => {
    await using other = await createLab();
    await other.startSidecar({ policy });
    expect(await markedDisguises(other)).toEqual([]);
  });
});

/** Packet sockets are given no copies. */
function markedCopies(where: Lab): Promise<readonly number[]> {
  return markedVersions(where, () => attack(where, "marks", "groups", "305419896"));
}

async function markedDisguises(where: Lab): Promise<readonly number[]> {
  await where.dig("one.example.org");
  return markedVersions(where, async () => {
    const told = await attack(where, "marks", "disguised", "305419896", "198.51.100.1");
    expect(told).toMatchObject({ answer: "4", "by way of 255.255.255.255": "sent" });
  });
}

/** The IP versions of which raw sockets saw marks while `act` ran. */
async function markedVersions(where: Lab, act: () => Promise<unknown>): Promise<readonly number[]> {
  const loopback = where.ipv6 ? "::1" : "127.0.0.1";
  await using watch = await startAttack(where, "marks", "watch");
  await act();
  await attack(where, "marks", "mark-own", String(LAST_MARK), "6", loopback, "9");
  await until("the last one is seen", () => watch.lines.some((line) => line["value"] === LAST_MARK));
  return [4, 6].filter((version) =>
    watch.lines.some((line) => line["version"] === version && line["value"] !== LAST_MARK),
  );
}

test("row 4: the socket monitor tells a priority of the sidecar's sockets, and no mark", async () => {
  await lab.dig("diag.wild.example.org");
  const told = Object.entries(await attack(lab, "marks", "diag"));
  expect(told.filter(([what]) => what.startsWith("mark of"))).toEqual([]);
  const { priority } = await readMarks(lab);
  expect(told.flatMap(([what, value]) => (/^priority of \d+ to 53$/.test(what) ? [value] : []))).toContain(
    priority,
  );
});

/** What the workload would have to find out: read from the kernel's rules, as root of the machine. */
async function readMarks({ sandbox }: Lab): Promise<{ readonly mark: string; readonly priority: string }> {
  const { stdout } = await execIn(sandbox, ["nft", "list", "chain", "inet", "opensandbox", "egress"]);
  const [, mark = "", major = "", minor = ""] =
    /meta mark 0x([0-9a-f]{8}) meta priority ([0-9a-f]+):([0-9a-f]+) /.exec(stdout) ?? [];
  return {
    mark: String(Number.parseInt(mark, 16)),
    priority: String(Number.parseInt(major, 16) * 0x1_0000 + Number.parseInt(minor, 16)),
  };
}

/** The names that got to the upstream. */
async function askWithItsMarks(where: Lab, resolver: string): Promise<readonly string[]> {
  const { mark, priority } = await readMarks(where);
  const asked = await questionsOf(where, () =>
    attack(where, "marks", "wear", mark, priority, resolver, NAME),
  );
  return asked.filter((name) => name.endsWith(NAME)).toSorted();
}
