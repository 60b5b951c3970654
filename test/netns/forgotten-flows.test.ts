/**
 * What conntrack forgets is no end of a connection: a half-closed one may wait as long as it likes (RFC 9293
 * section 3.6), and datagrams for minutes (RFC 4787 REQ-5). The kernel's own times are set to a second here.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { execIn, type NetworkNamespace, writeSysctl } from "../../src/netns/namespace.ts";
import { FAMILIES, type Family, skipWithoutFamily } from "../support/families.ts";
import { type JsonServer, startJsonServer } from "../support/json-server.ts";
import { createLab, INTERNET_V4, INTERNET_V6, type Lab } from "../support/lab.ts";
import { readSet } from "../support/kernel-sets.ts";
import { skipBecause } from "../support/skip.ts";
import { until } from "../support/until.ts";
import { workloadArgv } from "../support/workload.ts";

const UNSENT = fileURLToPath(new URL("../support/clients/unsent.py", import.meta.url));
const PATIENT = fileURLToPath(new URL("../support/clients/patient.py", import.meta.url));
const PORT = "9400";
const TIMES = ["tcp_timeout_close_wait", "tcp_timeout_fin_wait", "udp_timeout", "udp_timeout_stream"];

/**
 * What is asked and how often something arrives: datagrams that are answered at once as well have one answer
 * more.
 */
const EXCHANGES = [
  { title: "a half-closed connection", protocol: "tcp", text: "question", arrives: ["late"] },
  { title: "a datagram", protocol: "udp", text: "question", arrives: ["late"] },
  { title: "a datagram after an exchange", protocol: "udp", text: "at once", arrives: ["at once", "late"] },
] as const;

let lab: Lab;
beforeAll(async () => {
  lab = await createLab({ upstream: { ttlSeconds: 0 } });
  // Before the first flow there is no conntrack in a namespace, nor its settings.
  await execIn(lab.sandbox, ["conntrack", "-L"]);
  for (const name of TIMES) await writeSysctl(lab.sandbox, `net.netfilter.nf_conntrack_${name}`, "1");
});
afterAll(() => lab[Symbol.asyncDispose]());

const patient = (...args: readonly string[]) => ["python3", PATIENT, ...args] as const;
const start = (namespace: NetworkNamespace, ...args: readonly string[]): Promise<JsonServer> =>
  startJsonServer(namespace, namespace === lab.sandbox ? workloadArgv(patient(...args)) : patient(...args));

const arrivedAt = (client: JsonServer): readonly unknown[] =>
  client.lines.flatMap(({ event, text }) => (event === "arrived" ? [text] : []));

interface Asked extends AsyncDisposable {
  readonly client: JsonServer;
  answer(): void;
}

/** A client that has asked and a server that has heard it; `meanwhile` passes between question and answer. */
async function startAsking(
  sides: { readonly from: NetworkNamespace; readonly to: NetworkNamespace; readonly address: string },
  { protocol, text }: { readonly protocol: string; readonly text: string },
): Promise<Asked> {
  await using made = new AsyncDisposableStack();
  const server = made.use(await start(sides.to, "answer", sides.address, PORT));
  const client = made.use(await start(sides.from, "ask", protocol, sides.address, PORT, text));
  await until("it is asked", () => server.lines.some(({ event }) => event === "asked"));
  const kept = made.move();
  return {
    client,
    answer: () => server.process.stdin.write("\n"),
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

/** Longer than every time that is set; more makes it only surer. */
const kernelForgets = (): Promise<void> => sleep(2500);
const forgetFlows = (): Promise<unknown> => execIn(lab.sandbox, ["conntrack", "-F"]);

/** What has arrived at the client once it is answered. */
async function answerTo(asked: Asked, count = 1): Promise<readonly unknown[]> {
  asked.answer();
  await until("the answer arrives", () => arrivedAt(asked.client).length >= count);
  return arrivedAt(asked.client);
}

const outward = ({ one }: Family) => ({ from: lab.sandbox, to: lab.internet, address: one });
const inward = ({ sandbox }: Family) => ({ from: lab.internet, to: lab.sandbox, address: sandbox });

describe.each(["without a sidecar", "under the sidecar"])("%s", (title) => {
  beforeAll(async () => {
    if (title === "without a sidecar") return;
    const targets = ["one.example.org", "three.example.org", ...FAMILIES.map(({ two }) => two)];
    await lab.startSidecar({ policy: { egress: targets.map((target) => ({ action: "allow", target })) } });
  });

  describe.each(FAMILIES)("$name", (family) => {
    test.for(EXCHANGES)("$title is answered late", async ({ protocol, text, arrives }, context) => {
      skipWithoutFamily(context, lab, family);
      await lab.dig("-t", family.qtype, "one.example.org");
      await using asked = await startAsking(outward(family), { protocol, text });
      await kernelForgets();
      expect(await answerTo(asked, arrives.length)).toEqual(arrives);
    });

    test("a half-closed connection of a caller is answered late", async (context) => {
      skipWithoutFamily(context, lab, family);
      await using asked = await startAsking(inward(family), EXCHANGES[0]);
      await kernelForgets();
      expect(await answerTo(asked)).toEqual(["late"]);
    });
  });
});

describe.each(FAMILIES)("a flow that conntrack knows no more, $name", (family) => {
  test.for(["one", "two"] as const)("goes on where its far end is allowed: %s", async (which, context) => {
    skipWithoutFamily(context, lab, family);
    await lab.dig("-t", family.qtype, "one.example.org");
    await using asked = await startAsking({ ...outward(family), address: family[which] }, EXCHANGES[0]);
    await forgetFlows();
    expect(await answerTo(asked)).toEqual(["late"]);
  });

  test("its address is renewed as long as a socket uses it", async (context) => {
    skipWithoutFamily(context, lab, family);
    const address = family.one.replace(/1$/, "3");
    await lab.dig("-t", family.qtype, "three.example.org");
    await using _asked = await startAsking({ ...outward(family), address }, EXCHANGES[0]);
    const secondsLeft = async (): Promise<number> => {
      const held = await readSet(lab.sandbox, `dyn_allow_${family.set}`);
      return held.find((element) => element.address === address)?.expiresSeconds ?? 0;
    };
    expect(await secondsLeft()).toBeLessThan(100);
    await until(
      "a round renews it",
      async () => {
        // Also what the round itself may have seen just before.
        await forgetFlows();
        return (await secondsLeft()) >= 600;
      },
      45_000,
    );
  });
});

test.for([
  ["IPv4", INTERNET_V4],
  ["IPv6", INTERNET_V6],
] as const)(
  "a socket that is to ask and has not yet asked lives through a change, %s",
  async ([family, resolver], context) => {
    if (family === "IPv6" && !lab.ipv6) skipBecause(context, "this machine has no IPv6");
    await using sidecar = await lab.startSidecar({
      policy: { egress: [{ action: "allow", target: "one.example.org" }] },
    });
    const argv = workloadArgv(["python3", UNSENT, resolver, "9401", "one.example.org"]);
    await using client = await startJsonServer(lab.sandbox, argv);
    const body = [{ action: "deny", target: "203.0.113.99" }];
    expect(await sidecar.api("PATCH", "/policy", { body })).toMatchObject({ status: 200 });
    await until("it has asked", () => client.lines.length === 3);
    expect(client.lines.slice(1)).toEqual([{ event: "ended" }, { event: "answered", rcode: 0 }]);
  },
);
