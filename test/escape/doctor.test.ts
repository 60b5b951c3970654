/**
 * `egress doctor`, run as the workload: under a whole sidecar, without any, and with single protections taken
 * away, so that each of its rows is seen to hold and to fail. What it says is compared with what the canary
 * on the other side of the link has seen.
 */
import { expect, test } from "vitest";
import { z } from "zod";
import type { Argv, CommandResult } from "../../src/netns/command.ts";
import { execIn } from "../../src/netns/namespace.ts";
import { FAMILIES } from "../support/families.ts";
import { skipBecause } from "../support/skip.ts";
import { startJsonServer } from "../support/json-server.ts";
import { withOwnPlaces } from "../support/own-places.ts";
import { MAIN } from "../support/tested-program.ts";
import { useLab } from "../support/use-lab.ts";
import { workloadArgv } from "../support/workload.ts";
import { attackArgv, leaksOf, POLICY, startAttack } from "./attack.ts";

const RAW_FRAMES = [
  "raw frames",
  "raw frames past the queue",
  "other ethertypes, VLAN, ARP with data",
  "marked frames",
];
/** Rows that say nothing about packets. */
const OWN_PLACE = "powers over rules and policy";
const API = "changing the policy without the token";
/** Docker lets its containers ping; this machine perhaps not. */
const PING = "ping";
/** Wants a name that is allowed: `doctor-shown-names.test.ts`. */
const SHOWN_NAMES = "another name at an open address";

const reportShape = z.object({
  rows: z.array(z.object({ name: z.string(), outcome: z.string(), detail: z.string() })),
  advice: z.array(z.string()),
  conclusion: z.object({ text: z.string() }),
});

interface Told {
  readonly exitCode: number | undefined;
  /** The names of the rows of each outcome. */
  readonly rows: Readonly<Partial<Record<string, readonly string[]>>>;
  readonly details: ReadonlyMap<string, string>;
  readonly advice: readonly string[];
  readonly conclusion: string;
}

const DOCTOR: Argv = [process.execPath, MAIN, "doctor", "--json"];
const WITHOUT_RAW: Argv = ["setpriv", "--bounding-set", "-net_raw", "--inh-caps", "-all", ...DOCTOR];

function read({ exitCode, stdout, stderr }: CommandResult): Told {
  expect(stderr).toBe("");
  const { rows, advice, conclusion } = reportShape.parse(JSON.parse(stdout));
  const named = Object.groupBy(rows, ({ outcome }) => outcome);
  return {
    exitCode,
    rows: Object.fromEntries(
      Object.entries(named).map(([outcome, all]) => [outcome, (all ?? []).map(({ name }) => name)]),
    ),
    details: new Map(rows.map(({ name, detail }) => [name, detail])),
    advice,
    conclusion: conclusion.text,
  };
}

const lab = useLab({ per: "test" });

const asWorkload = async (argv = DOCTOR): Promise<Told> =>
  read(await execIn(lab.sandbox, withOwnPlaces(workloadArgv(argv))));
const untried = ({ rows }: Told): readonly string[] =>
  (rows["untried"] ?? []).filter((name) => name !== PING && name !== SHOWN_NAMES);

const open = (told: Told | undefined): readonly string[] => told?.rows["open"] ?? [];

test("under a sidecar all is held, and nothing leaves", async () => {
  await lab.startSidecar({ policy: POLICY });
  let told: Told | undefined;
  const leaks = await leaksOf(lab, async () => {
    told = await asWorkload();
  });
  expect(open(told)).toEqual([]);
  expect(told && untried(told)).toEqual([]);
  expect(told?.rows["held"]?.length).toBeGreaterThan(25);
  expect(told?.exitCode).toBe(0);
  expect(leaks).toEqual([]);
  const families = lab.ipv6 ? "IPv4 and IPv6" : "IPv4";
  const tried = [
    "TCP to a denied address",
    "another resolver over UDP",
    "raw IP",
    "raw frames",
    "sharing the sidecar's ports",
  ];
  for (const name of tried) {
    expect([name, told?.details.get(name)]).toEqual([
      name,
      expect.stringMatching(new RegExp(String.raw`^\d+ attempts, ${families}(?:$|; not tried: IPv6 )`)),
    ]);
  }
});

test("without a sidecar every attack gets out, which is said and seen", async () => {
  const argv = attackArgv("loopback_resolver", ["127.0.0.11", "53", "198.51.100.20", "0"]);
  await using _resolver = await startJsonServer(lab.sandbox, argv);
  await using _squatter = await startAttack(lab, "squat", "hold", "15353");
  let told: Told | undefined;
  const frames = await lab.canary.during(async () => {
    told = await asWorkload();
  });
  expect(told && untried(told)).toEqual([API]); // nothing listens there
  expect(told?.rows["held"]).toEqual([OWN_PLACE]);
  expect(told?.rows["open"]?.length).toBeGreaterThan(24);
  expect(told?.exitCode).toBe(1);
  expect(told?.conclusion).toMatch(/: no sidecar guards this network namespace$/);
  const seen = new Set(frames.map(({ transport }) => transport));
  for (const transport of ["tcp", "udp", "protocol 47", "protocol 253"]) expect(seen).toContain(transport);
});

test.for(FAMILIES)(
  "who shares a port that callers are not led away from is reached, $name",
  async ({ name }, context) => {
    if (name === "IPv6" && !lab.ipv6) skipBecause(context, "this machine has no IPv6");
    const host = name === "IPv4" ? "0.0.0.0" : "::";
    const program = `require("node:http").createServer((_, response) => response.end("ok"))
      .listen({ host: "${host}", port: 18080, ipv6Only: true, reusePort: true }, () => console.log('{"event":"ready"}'))`;
    await using _ = await startJsonServer(lab.sandbox, [process.execPath, "-e", program]);
    const told = await asWorkload();
    expect(told.rows["open"]).toContain("sharing the sidecar's ports");
    expect(told.details.get("sharing the sidecar's ports")).toContain(
      `port 18080 TCP, ${name}: a call came to who shared the port`,
    );
  },
);

test("without CAP_NET_RAW a connection that somebody outside refuses is known for one that got out", async () => {
  const told = await asWorkload(WITHOUT_RAW);
  expect(told.rows["held"]).toEqual([OWN_PLACE]);
  expect(told.details.get("DNS over TLS")).toMatch(/as many packets left as were tried/);
  expect(told.rows["open"]).toEqual(
    expect.arrayContaining(["TCP to a denied address", "another resolver over UDP", "DNS over TLS"]),
  );
  expect(told.conclusion).toMatch(/no sidecar guards this network namespace, or/);
});

test("without CAP_NET_RAW what needs it is not tried, and the rest held", async () => {
  await lab.startSidecar({ policy: POLICY });
  const told = await asWorkload(WITHOUT_RAW);
  expect([told.exitCode, open(told)]).toEqual([0, []]);
  for (const name of [...RAW_FRAMES, "raw IP", "AF_XDP socket", "marked packets"]) {
    expect([name, told.details.get(name)]).toEqual([name, "this process has no CAP_NET_RAW"]);
  }
  expect(told.rows["held"]).toEqual(
    expect.arrayContaining([
      "TCP to a denied address",
      "UDP to a denied address",
      "another resolver over TCP",
    ]),
  );
  expect(told.advice.join()).not.toContain("CAP_NET_RAW");
});

test("settings of the network that can be written are advised against, read-only ones are not", async () => {
  await lab.startSidecar({ policy: POLICY });
  expect((await asWorkload()).advice.join()).toContain("/proc/sys/net");
  const script = 'mount --bind /proc/sys /proc/sys; mount -o remount,bind,ro /proc/sys; exec "$@"';
  const argv = ["unshare", "--mount", "sh", "-c", script, "sh", ...workloadArgv(DOCTOR)] as const;
  expect(read(await execIn(lab.sandbox, argv)).advice.join()).not.toContain("/proc/sys/net");
});

test("without the guard of the interfaces raw frames get out, and nothing else more", async () => {
  const sidecar = await lab.startSidecar({ policy: POLICY });
  await sidecar.kill("SIGKILL");
  const argv = ["nft", "delete", "table", "netdev", "opensandbox_guard"] as const;
  expect(await execIn(lab.sandbox, argv)).toMatchObject({ exitCode: 0 });
  expect(open(await asWorkload())).toEqual(RAW_FRAMES);
});

test("where the sidecar is dead its rules hold on", async () => {
  const sidecar = await lab.startSidecar({ policy: POLICY });
  await sidecar.kill("SIGKILL");
  let told: Told | undefined;
  const leaks = await leaksOf(lab, async () => {
    told = await asWorkload();
  });
  expect(leaks).toEqual([]);
  expect(open(told)).toEqual([]);
});

test("mode dns holds lookups alone", async () => {
  await lab.startSidecar({ policy: POLICY, env: { OPENSANDBOX_EGRESS_MODE: "dns" } });
  const told = await asWorkload();
  expect(told.rows["open"]).toEqual(expect.arrayContaining(["TCP to a denied address", "raw IP"]));
  expect(told.rows["held"]).toEqual(
    expect.arrayContaining(["another resolver over UDP", "another resolver over TCP"]),
  );
  expect(told.conclusion).toMatch(/lookups are held and connections are not/);
});

test("a policy that allows by default is not taken for no sidecar, nor is one changed that could be", async () => {
  const policy = { defaultAction: "allow", egress: [] };
  const sidecar = await lab.startSidecar({
    policy,
    env: { OPENSANDBOX_EGRESS_TOKEN: undefined, OPENSANDBOX_EGRESS_ALLOW_LOCAL_WRITES: "true" },
  });
  const told = await asWorkload();
  expect(told.rows["held"]).toEqual(expect.arrayContaining([...RAW_FRAMES, "forged source"]));
  expect(told.conclusion).toMatch(/: the default action of the policy is allow$/);
  expect(told.rows["open"]).toContain(API);
  expect((await sidecar.api("GET", "/policy")).json()).toMatchObject({ policy });
});

test("powers count where the workload has them, not where the sidecar does", async () => {
  const sidecar = await lab.startSidecar({ policy: POLICY });
  const asRoot = async (socket: string, ...options: readonly string[]): Promise<string | undefined> => {
    const env = { PATH: process.env["PATH"], OPENSANDBOX_EGRESS_SOCKET: socket };
    const told = read(await execIn(lab.sandbox, withOwnPlaces([...DOCTOR, ...options]), { env }));
    return told.details.get(OWN_PLACE);
  };
  expect(await asRoot("")).toMatch(/CAP_NET_ADMIN.*: a process here can remove the rules/);
  expect(await asRoot("", "--operator")).toMatch(/the operator's place/);
  expect(await asRoot(sidecar.socketPath)).toMatch(/the operator's place/);
});
