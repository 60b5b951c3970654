/**
 * A container on a network that Docker made: resolv.conf names 127.0.0.11, and NAT leads its port 53 to the
 * port where Docker's resolver listens. dnsmasq stands in for that resolver, in the sandbox's own namespace.
 */
import { afterAll, beforeAll, expect, test } from "vitest";
import { requireCommand } from "../../src/netns/command.ts";
import { argvIn, execIn, writeResolvConf } from "../../src/netns/namespace.ts";
import { digArgv, parseDig } from "../support/dig.ts";
import { createLab } from "../support/lab.ts";
import type { Sidecar } from "../support/sidecar.ts";
import { startUpstream, type Upstream } from "../support/upstream.ts";
import { useLab } from "../support/use-lab.ts";
import { RESOLVE_SECONDS } from "../support/limits.ts";

const PORT = "40053";
const DOCKER_NAT = `table ip docker_nat {
  chain output { type nat hook output priority -100; policy accept;
    ip daddr 127.0.0.11 udp dport 53 dnat to 127.0.0.11:${PORT}
    ip daddr 127.0.0.11 tcp dport 53 dnat to 127.0.0.11:${PORT}
  }
  chain postrouting { type nat hook postrouting priority 100; policy accept;
    ip saddr 127.0.0.11 udp sport ${PORT} snat to :53
    ip saddr 127.0.0.11 tcp sport ${PORT} snat to :53
  }
}`;
/** Only Docker's resolver knows it: the name of another container. */
const NEIGHBOUR = "198.51.100.61";
const SETTINGS = {
  policy: { egress: [{ action: "allow", target: "*.example.org" }] },
  env: { OPENSANDBOX_EGRESS_DNS_UPSTREAM: undefined },
};

const lab = useLab();
let docker: Upstream;
let sidecar: Sidecar;
beforeAll(async () => {
  docker = await startUpstream(lab.sandbox, {
    listen: ["127.0.0.11"],
    zone: {
      "db.example.org": { addresses: [NEIGHBOUR] },
      "big.example.org": { addresses: [NEIGHBOUR], text: Array.from({ length: 9 }, () => "x".repeat(250)) },
      "secret.example.com": { addresses: ["203.0.113.99"] },
    },
    extra: [`--port=${PORT}`],
  });
  await requireCommand(argvIn(lab.sandbox, ["nft", "-f", "-"]), { input: DOCKER_NAT });
  // The lab's own removes the file.
  await writeResolvConf(
    lab.sandbox,
    `nameserver 127.0.0.11\noptions ndots:0 timeout:${RESOLVE_SECONDS} attempts:1\n`,
  );
  sidecar = await lab.startSidecar(SETTINGS);
});
afterAll(async () => {
  await docker[Symbol.asyncDispose]();
});

const countAsked = (qname: string): number =>
  docker.questions().filter((question) => question.qname.toLowerCase() === qname).length;

test("Docker's resolver is there for who asks it without a sidecar's rules in the way", async () => {
  await using bare = await createLab();
  await using other = await startUpstream(bare.sandbox, {
    listen: ["127.0.0.11"],
    zone: { "db.example.org": { addresses: [NEIGHBOUR] } },
    extra: [`--port=${PORT}`],
  });
  await requireCommand(argvIn(bare.sandbox, ["nft", "-f", "-"]), { input: DOCKER_NAT });
  for (const args of [[], ["+tcp"], ["-p", PORT]]) {
    expect(await bare.dig("@127.0.0.11", ...args, "db.example.org", "A")).toMatchObject({
      addresses: [NEIGHBOUR],
    });
  }
  expect(other.questions()).toHaveLength(3);
});

test("it starts with one warning: answers on loopback can be forged", () => {
  expect(sidecar.logs().filter(({ level }) => level !== "info")).toEqual([
    expect.objectContaining({ level: "warn", protection: "loopback-answers", state: "off" }),
  ]);
});

test.each(["+notcp", "+tcp"])(
  "an allowed name is found through Docker's resolver (%s)",
  async (transport) => {
    const answer = await lab.dig("@127.0.0.11", transport, "db.example.org", "A");
    expect(answer).toMatchObject({ rcode: "NOERROR", addresses: [NEIGHBOUR] });
    expect(countAsked("db.example.org")).toBeGreaterThan(0);
  },
);

test("an answer too big for UDP is asked for again over TCP, by the same way", async () => {
  const answer = await lab.dig("+tcp", "big.example.org", "TXT");
  expect(answer).toMatchObject({ rcode: "NOERROR" });
  expect(answer.records).toHaveLength(9);
  expect(countAsked("big.example.org")).toBe(2);
});

test("an allowed name is fetched, its address alone is opened", async () => {
  expect(await lab.curl("http://db.example.org/")).toMatchObject({ body: `hello from ${NEIGHBOUR}\n` });
  expect(await lab.curl("http://203.0.113.99/")).toMatchObject({ exitCode: 7 });
});

test("a denied name is refused, and Docker's resolver does not hear of it", async () => {
  for (const transport of ["+notcp", "+tcp"]) {
    expect(await lab.dig("@127.0.0.11", transport, "secret.example.com", "A")).toMatchObject({
      rcode: "NXDOMAIN",
      ede: "15 (Blocked): (no rule allows secret.example.com)",
    });
  }
  expect(await lab.curl("http://secret.example.com/")).toMatchObject({ exitCode: 6 });
  expect(countAsked("secret.example.com")).toBe(0);
});

test.each([
  { who: "the workload", transport: "+notcp" },
  { who: "the workload", transport: "+tcp" },
  { who: "a process with all capabilities", transport: "+notcp" },
  { who: "a process with all capabilities", transport: "+tcp" },
])("$who gets no answer at the port where Docker's resolver listens ($transport)", async (caller) => {
  const asked = docker.questions().length;
  const argv = ["@127.0.0.11", "-p", PORT, "+time=1", caller.transport, "secret.example.com", "A"];
  const answer =
    caller.who === "the workload"
      ? await lab.dig(...argv)
      : parseDig(await execIn(lab.sandbox, digArgv(argv)));
  expect(answer).toMatchObject({ rcode: undefined, addresses: [] });
  expect(docker.questions().slice(asked)).toEqual([]);
});

test("after SIGKILL the workload reaches Docker's resolver no more than before, and a restart asks it again", async () => {
  await sidecar.kill("SIGKILL");
  const asked = docker.questions().length;
  expect((await lab.dig("@127.0.0.11", "+time=1", "db.example.org", "A")).rcode).toBeUndefined();
  expect((await lab.dig("@127.0.0.11", "-p", PORT, "+time=1", "db.example.org", "A")).rcode).toBeUndefined();
  expect(docker.questions().slice(asked)).toEqual([]);
  sidecar = await lab.startSidecar(SETTINGS);
  expect(await lab.curl("http://db.example.org/")).toMatchObject({ body: `hello from ${NEIGHBOUR}\n` });
  expect(await lab.dig("secret.example.com", "A")).toMatchObject({ rcode: "NXDOMAIN" });
});
