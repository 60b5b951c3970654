/** Changes of the policy while the sidecar runs: what they open, what they cut, and what they leave alone. */
import { beforeAll, beforeEach, describe, expect, test } from "vitest";
import { urlAt } from "../support/curl.ts";
import { type Download, startDownload } from "../support/download.ts";
import { FAMILIES, type Family, skipWithoutFamily, urlOf } from "../support/families.ts";
import { readAddresses, readSet } from "../support/kernel-sets.ts";
import type { Sidecar } from "../support/sidecar.ts";
import { promised } from "../support/limits.ts";
import { until } from "../support/until.ts";
import { useLab } from "../support/use-lab.ts";

const POLICY = {
  defaultAction: "deny",
  egress: [
    { action: "allow", target: "one.example.org" },
    { action: "allow", target: "two.example.org" },
  ],
};

// Long enough for no address to expire within a test, so that only the change can take one away.
const lab = useLab({ upstream: { ttlSeconds: 300 } });
let sidecar: Sidecar;
beforeAll(async () => {
  sidecar = await lab.startSidecar();
});
beforeEach(async () => {
  await change("PUT", POLICY);
});

async function change(method: string, body: unknown): Promise<void> {
  expect(await sidecar.api(method, "/policy", { body })).toMatchObject({ status: 200 });
}

async function expectCut(download: Download): Promise<void> {
  await until("the download has ended", () => download.hasEnded(), promised(1_000));
  // 56: the kernel has reset it. 28 would be curl's own time limit.
  expect((await download.end).exitCode).toBe(56);
}

async function expectRunning(download: Download): Promise<void> {
  const before = download.octets();
  await until("the download goes on", () => download.octets() > before + 4_096);
  expect(download.hasEnded()).toBe(false);
}

describe.each(FAMILIES)("$name", (family) => {
  beforeEach((context) => skipWithoutFamily(context, lab, family));

  test("PATCH opens a name at once", async () => {
    expect(await lab.dig("three.example.org", family.qtype)).toMatchObject({ rcode: "NXDOMAIN" });
    await change("PATCH", [{ action: "allow", target: "three.example.org" }]);
    expect(await lab.curl(family.flag, "http://three.example.org/")).toMatchObject({ status: 200 });
  });

  test("PATCH that denies a name cuts its download and no other", async () => {
    const kept = await startDownload(lab, "http://one.example.org/slow", family.flag);
    const cut = await startDownload(lab, "http://two.example.org/slow", family.flag);
    await change("PATCH", [{ action: "deny", target: "two.example.org" }]);
    await expectCut(cut);
    await expectRunning(kept);
    expect(await lab.dig("two.example.org", family.qtype)).toMatchObject({ rcode: "NXDOMAIN" });
    expect(await lab.curl(urlOf(family.two))).toMatchObject({ exitCode: 7 });
    await kept.stop();
  });

  test("a prefix that a change denies cuts what a name had opened", async () => {
    const download = await startDownload(lab, "http://two.example.org/slow", family.flag);
    await change("PATCH", [{ action: "deny", target: `${family.two}/${family.name === "IPv4" ? 32 : 128}` }]);
    await expectCut(download);
    expect(await lab.dig("two.example.org", family.qtype)).toMatchObject({ rcode: "NOERROR", addresses: [] });
    expect(await readAddresses(lab.sandbox, `dyn_allow_${family.set}`)).not.toContain(family.two);
  });

  test("an address rule that goes cuts its connections", async () => {
    await change("PATCH", [{ action: "allow", target: family.nameless }]);
    const download = await startDownload(lab, urlOf(family.nameless, "/slow"), family.flag);
    await change("DELETE", [family.nameless]);
    await expectCut(download);
    expect(await lab.curl(urlOf(family.nameless))).toMatchObject({ exitCode: 7 });
  });

  test("a datagram flow that only receives stops when its name is denied", async () => {
    await lab.dig("two.example.org", family.qtype);
    const listener = await startListener(family);
    await change("PATCH", [{ action: "deny", target: "two.example.org" }]);
    await until("nothing more arrives", () => listener.isQuiet(300));
    expect(await lab.curl(urlOf(family.two))).toMatchObject({ exitCode: 7 });
    await listener.stop();
  });

  test("learned addresses that are still allowed survive a change: no new lookup is needed to connect", async () => {
    await lab.curl(family.flag, "http://one.example.org/");
    await lab.curl(family.flag, "http://two.example.org/");
    const set = `dyn_allow_${family.set}`;
    const before = await readAddresses(lab.sandbox, set);
    expect(before).toEqual(expect.arrayContaining([family.one, family.two]));
    // Probes of the upstream come by the clock.
    const countQuestions = (): number =>
      lab.upstream.questions().filter(({ qname }) => qname.toLowerCase().endsWith("example.org")).length;
    const asked = countQuestions();
    await change("PATCH", [
      { action: "allow", target: "three.example.org" },
      { action: "deny", target: "two.example.org" },
    ]);
    expect(await lab.curl(...urlAt(family.one, "http://one.example.org/"))).toMatchObject({
      body: `hello from ${family.one}\n`,
    });
    expect(await readAddresses(lab.sandbox, set)).toEqual(before.filter((address) => address !== family.two));
    expect(countQuestions()).toBe(asked);
  });

  test("an address of two names goes only when both are denied", async () => {
    await change("PUT", { egress: [{ action: "allow", target: "*.wild.example.org" }] });
    await lab.dig("a.wild.example.org", family.qtype);
    await lab.dig("b.wild.example.org", family.qtype);
    await change("PATCH", [{ action: "deny", target: "a.wild.example.org" }]);
    const ofBoth = urlAt(family.wild, "http://b.wild.example.org/");
    expect(await lab.curl(...ofBoth)).toMatchObject({ status: 200 });
    await change("PATCH", [{ action: "deny", target: "b.wild.example.org" }]);
    expect(await lab.curl(...ofBoth)).toMatchObject({ exitCode: 7 });
  });

  test("an empty POST resets to deny-all and cuts everything", async () => {
    const download = await startDownload(lab, "http://one.example.org/slow", family.flag);
    expect((await sidecar.api("POST", "/policy", { body: "" })).json()).toMatchObject({
      mode: "deny_all",
      reason: "policy reset to default deny-all",
    });
    await expectCut(download);
    expect(await lab.dig("one.example.org", family.qtype)).toMatchObject({ rcode: "NXDOMAIN" });
    expect(await readSet(lab.sandbox, `dyn_allow_${family.set}`)).toEqual([]);
  });
});

test("DELETE takes rules away by canonical target", async () => {
  await change("DELETE", [" TWO.Example.org. ", "never.example.org"]);
  expect((await sidecar.api("GET", "/policy")).json()).toMatchObject({
    policy: { egress: [{ action: "allow", target: "one.example.org" }] },
  });
  expect(await lab.dig("two.example.org", "A")).toMatchObject({ rcode: "NXDOMAIN" });
  expect(await lab.dig("one.example.org", "A")).toMatchObject({ rcode: "NOERROR" });
});

test("a dry run changes nothing", async () => {
  const body = [{ action: "deny", target: "one.example.org" }];
  expect(await sidecar.api("PATCH", "/policy?dryRun=true", { body })).toMatchObject({ status: 200 });
  expect(await lab.dig("one.example.org", "A")).toMatchObject({ rcode: "NOERROR" });
});

interface Listener {
  /** Whether nothing has come for that long. */
  isQuiet(ms: number): boolean;
  stop(): Promise<void>;
}

/** A socket that asks the name's address for a stream of datagrams and then only listens. */
async function startListener(family: Family): Promise<Listener> {
  const script = `
import socket, sys
one = socket.socket(socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET, socket.SOCK_DGRAM)
one.connect((sys.argv[1], 7))
one.send(b"stream 3000 10")
while True:
    try:
        one.recv(999)
        print("received", flush=True)
    except OSError:
        pass
`;
  const child = lab.startAsWorkload(["python3", "-c", script, family.two]);
  let lastMs = 0;
  child.stdout.on("data", () => (lastMs = performance.now()));
  child.stderr.resume();
  await until("datagrams arrive", () => lastMs > 0);
  return {
    isQuiet: (ms) => performance.now() - lastMs > ms,
    async stop() {
      child.kill("SIGKILL");
      await child.end;
    },
  };
}
