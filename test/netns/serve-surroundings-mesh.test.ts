/**
 * A pod of a service mesh: Istio's NAT rules lead all outbound TCP over IPv4 to its proxy at 127.0.0.1:15001,
 * but for that of user 1337, the proxy's own; and inbound TCP to port 15006. Ours are judged after that NAT,
 * so that what is led to the proxy is refused like any unlisted address: nothing gets out by it, and allowed
 * connections of user 1337 alone do.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { requireCommand } from "../../src/netns/command.ts";
import { argvIn } from "../../src/netns/namespace.ts";
import type { Frame } from "../support/canary.ts";
import { type CurlAnswer, curlArgv, parseCurl } from "../support/curl.ts";
import { type JsonServer, startJsonServer } from "../support/json-server.ts";
import { INTERNET_V4, OTHER_RESOLVER_V4, SANDBOX_V4 } from "../support/lab.ts";
import { type Attempt, probe, PROBE_SCRIPT } from "../support/probe.ts";
import type { Sidecar } from "../support/sidecar.ts";
import { useLab } from "../support/use-lab.ts";
import { workloadArgv } from "../support/workload.ts";

/** As istio-iptables writes them; 18080 is in `traffic.sidecar.istio.io/excludeInboundPorts`. */
const MESH_NAT = `table ip nat {
  chain ISTIO_REDIRECT {
    meta l4proto tcp redirect to :15001
  }
  chain ISTIO_IN_REDIRECT {
    meta l4proto tcp redirect to :15006
  }
  chain ISTIO_INBOUND {
    tcp dport { 15008, 15020, 15021, 15090, 18080 } return
    meta l4proto tcp jump ISTIO_IN_REDIRECT
  }
  chain ISTIO_OUTPUT {
    oifname "lo" ip saddr 127.0.0.6 return
    oifname "lo" ip daddr != 127.0.0.1 tcp dport != 15008 meta skuid 1337 jump ISTIO_IN_REDIRECT
    oifname "lo" meta skuid != 1337 return
    meta skuid 1337 return
    ip daddr 127.0.0.1 return
    jump ISTIO_REDIRECT
  }
  chain PREROUTING {
    type nat hook prerouting priority -100; policy accept;
    meta l4proto tcp jump ISTIO_INBOUND
  }
  chain OUTPUT {
    type nat hook output priority -100; policy accept;
    meta l4proto tcp jump ISTIO_OUTPUT
  }
}`;
/** With `ISTIO_META_DNS_CAPTURE`: lookups too, but for the proxy's own, and so ours. */
const DNS_CAPTURE = `table ip dns_capture {
  chain OUTPUT {
    type nat hook output priority -100; policy accept;
    udp dport 53 meta skuid != 1337 redirect to :15053
    tcp dport 53 meta skuid != 1337 redirect to :15053
  }
}`;
const ALLOWED = "198.51.100.1";
const UNLISTED = "203.0.113.99";

const lab = useLab({
  zone: { "big.example.org": { text: Array.from({ length: 9 }, () => "x".repeat(250)) } },
});
/** What listens at the proxy's ports is a program of the workload's. */
let proxy: JsonServer;
beforeAll(async () => {
  await loadRules(MESH_NAT);
  const argv = ["serve", "proxy", "127.0.0.1,15001", "0.0.0.0,15006", "127.0.0.1,15053"];
  proxy = await startJsonServer(lab.sandbox, workloadArgv(["python3", PROBE_SCRIPT, ...argv]));
});
afterAll(async () => {
  await proxy[Symbol.asyncDispose]();
});

/** Rules that somebody else puts into the sandbox's namespace. */
async function loadRules(rules: string): Promise<void> {
  await requireCommand(argvIn(lab.sandbox, ["nft", "-f", "-"]), { input: rules });
}

function start(policy: unknown, env: Record<string, string> = {}): Promise<Sidecar> {
  return lab.startSidecar({ policy, env: { OPENSANDBOX_EGRESS_POLICY_FILE: undefined, ...env } });
}

const call = (address: string): Promise<Attempt> => probe(lab, "tcp", address, "80", "hello");

/**
 * curl as the mesh's proxy, whose connections are not redirected; a workload that is root may become that
 * user too.
 */
async function curlAsProxy(...args: string[]): Promise<CurlAnswer> {
  const argv = curlArgv(["-4", ...args]);
  return parseCurl(await lab.asWorkload(["setpriv", "--reuid=1337", "--clear-groups", ...argv]));
}

const isTo =
  (address: string) =>
  ({ destination }: Frame): boolean =>
    destination === address;

test("without a sidecar the proxy gets what is for an unlisted address, and reaches it", async () => {
  expect(await call(UNLISTED)).toMatchObject({ result: "proxy hello" });
  expect(await curlAsProxy(`http://${UNLISTED}/`)).toMatchObject({ body: `hello from ${UNLISTED}\n` });
});

describe("under a policy that denies what it does not list", () => {
  let sidecar: Sidecar;
  beforeAll(async () => {
    sidecar = await start({ egress: [{ action: "allow", target: "*.example.org" }] });
  });
  afterAll(async () => {
    await sidecar[Symbol.asyncDispose]();
  });

  test("it starts without a warning, and is healthy", async () => {
    expect(sidecar.logs().filter(({ level }) => level !== "info")).toEqual([]);
    expect(await sidecar.api("GET", "/healthz")).toMatchObject({ status: 200, text: "ok" });
  });

  test.each(["+notcp", "+tcp"])("lookups come to us, whoever is asked (%s)", async (transport) => {
    const heard = proxy.lines.length;
    for (const server of [INTERNET_V4, OTHER_RESOLVER_V4]) {
      expect(await lab.dig(`@${server}`, transport, "one.example.org", "A")).toMatchObject({
        addresses: [ALLOWED],
      });
      expect(await lab.dig(`@${server}`, transport, "secret.example.com", "A")).toMatchObject({
        rcode: "NXDOMAIN",
        ede: "15 (Blocked): (no rule allows secret.example.com)",
      });
    }
    expect(proxy.lines.slice(heard)).toEqual([]);
    expect(lab.upstream.questions().map(({ qname }) => qname.toLowerCase())).not.toContain(
      "secret.example.com",
    );
  });

  test("an unlisted address is reached neither through the proxy nor by it", async () => {
    const heard = proxy.lines.length;
    const frames = await lab.canary.during(async () => {
      expect(await call(UNLISTED)).toMatchObject({ result: "ECONNREFUSED" });
      expect(await curlAsProxy(`http://${UNLISTED}/`)).toMatchObject({ exitCode: 7 });
    });
    expect(frames.filter(isTo(UNLISTED))).toEqual([]);
    expect(proxy.lines.slice(heard)).toEqual([]);
  });

  test("an allowed connection is made by the proxy's user; one that is led to the proxy is refused", async () => {
    expect(await curlAsProxy("http://one.example.org/")).toMatchObject({ body: `hello from ${ALLOWED}\n` });
    expect(await call(ALLOWED)).toMatchObject({ result: "ECONNREFUSED" });
  });

  test("our own lookup over TCP goes to the upstream, not to the proxy", async () => {
    const heard = proxy.lines.length;
    expect(await lab.dig("+tcp", "big.example.org", "TXT")).toMatchObject({ rcode: "NOERROR" });
    expect(proxy.lines.slice(heard)).toEqual([]);
  });

  test("a caller from outside reaches the API on its excluded port, and the proxy on any other", async () => {
    expect(await lab.curlFromOutside(`http://${SANDBOX_V4}:18080/healthz`)).toMatchObject({ body: "ok" });
    const answer = await lab.curlFromOutside("--http0.9", "--max-time", "1", `http://${SANDBOX_V4}:8080/`);
    expect(answer.body).toMatch(/^proxy GET/);
  });
});

test("where the default is to allow, connections go through the proxy, which does not reach what is denied", async () => {
  await using _sidecar = await start({
    defaultAction: "allow",
    egress: [
      { action: "deny", target: UNLISTED },
      { action: "deny", target: "secret.example.com" },
    ],
  });
  expect(await call(ALLOWED)).toMatchObject({ result: "proxy hello" });
  expect(await curlAsProxy(`http://${ALLOWED}/`)).toMatchObject({ body: `hello from ${ALLOWED}\n` });
  const frames = await lab.canary.during(async () => {
    expect(await call(UNLISTED)).toMatchObject({ result: "proxy hello" });
    expect(await curlAsProxy(`http://${UNLISTED}/`)).toMatchObject({ exitCode: 7 });
  });
  expect(frames.filter(isTo(UNLISTED))).toEqual([]);
  expect(await lab.dig("secret.example.com", "A")).toMatchObject({
    addresses: [],
    ede: expect.stringMatching(/^15\b/),
  });
});

test("in dns mode names are judged as ever, and connections go through the proxy", async () => {
  await using _sidecar = await start(
    { egress: [{ action: "allow", target: "one.example.org" }] },
    { OPENSANDBOX_EGRESS_MODE: "dns" },
  );
  expect(await lab.dig("two.example.org", "A")).toMatchObject({ rcode: "NXDOMAIN" });
  expect(await lab.dig("+tcp", `@${OTHER_RESOLVER_V4}`, "two.example.org", "A")).toMatchObject({
    rcode: "NXDOMAIN",
  });
  expect(await lab.dig("one.example.org", "A")).toMatchObject({ addresses: [ALLOWED] });
  expect(await call(ALLOWED)).toMatchObject({ result: "proxy hello" });
});

test("where the mesh captures lookups too, ours go to the upstream: denied names are refused, allowed ones answered", async () => {
  await loadRules(DNS_CAPTURE);
  await using _sidecar = await start(
    { egress: [{ action: "allow", target: "one.example.org" }] },
    { OPENSANDBOX_EGRESS_DNS_UPSTREAM_TIMEOUT: "1" },
  );
  const heard = proxy.lines.length;
  const frames = await lab.canary.during(async () => {
    for (const transport of ["+notcp", "+tcp"]) {
      expect(await lab.dig(transport, "two.example.org", "A")).toMatchObject({
        rcode: "NXDOMAIN",
        ede: "15 (Blocked): (no rule allows two.example.org)",
      });
      expect(await lab.dig(transport, "one.example.org", "A")).toMatchObject({ addresses: [ALLOWED] });
    }
    expect(await call(ALLOWED)).toMatchObject({ result: "ECONNREFUSED" });
  });
  expect(proxy.lines.slice(heard)).toEqual([]);
  const asked = frames.filter(({ destinationPort }) => destinationPort === 53);
  expect(new Set(asked.map(({ destination }) => destination))).toEqual(new Set(["192.0.2.1"]));
});
