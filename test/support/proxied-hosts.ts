/**
 * Bound hosts behind a proxy that others wrote, plain and over TLS, and what leaves the sandbox by another
 * way.
 */
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll } from "vitest";
import { writeResolvConf } from "../../src/netns/namespace.ts";
import { API, type BoundHosts, OTHER, useBoundHosts } from "./bound-hosts.ts";
import type { Frame } from "./canary.ts";
import { startJsonServer } from "./json-server.ts";
import { INTERNET_V4, INTERNET_V6, SANDBOX_V4 } from "./lab.ts";
import { createOriginAuthority } from "./origin-certificates.ts";
import type { Sidecar } from "./sidecar.ts";
import { startTinyproxy, type Tinyproxy } from "./tinyproxy.ts";
import { until } from "./until.ts";

export const PROXY_NAME = "proxy.example.net";
/** In no certificate. */
export const FALSE_NAME = "false.example.net";
/** Where a workload could listen. */
export const INSIDE_NAME = "inside.example.net";
export const [PLAIN_PORT, TLS_PORT, FIRST_PORT] = [3128, 3129, 2525];
export const PASSWORD = "hunter2-of-the-test";
export const AUTH = `Basic ${Buffer.from(`user:${PASSWORD}`).toString("base64")}`;
export const V4_PROXY = `http://${INTERNET_V4}:${PLAIN_PORT}`;
export const V6_PROXY = `http://[${INTERNET_V6}]:${PLAIN_PORT}`;
/** Nobody has a name for it; a server that speaks first is at FIRST_PORT. */
export const NAMELESS = "203.0.113.200";
/** A rule denies them, within what others allow. */
export const DENIED_PLACES = { IPv4: "203.0.113.66", IPv6: "2001:db8:100:f0::66" } as const;

const ALLOWED = [API, OTHER, "*.wild.example.org", "203.0.113.0/24", "2001:db8:100:f0::/64"];
export const PROXIED_POLICY = {
  defaultAction: "deny",
  egress: [
    ...Object.values(DENIED_PLACES).map((target) => ({ action: "deny", target })),
    ...ALLOWED.map((target) => ({ action: "allow", target })),
  ],
};

export interface ProxiedHosts {
  readonly on: BoundHosts;
  /** Behind the proxy at the URL, which wants `AUTH`. */
  start(url: string, env?: Readonly<Record<string, string>>): Promise<Sidecar>;
  stopProxy(): Promise<void>;
  startProxy(): Promise<void>;
  /** What the proxy was asked to connect to, since it was started. */
  asked(): readonly string[];
  /** Settles once it was asked for the target, after the first `before` of all. */
  asks(target: string, before: number): Promise<unknown>;
  /** Frames that are neither to the proxy nor lookups of ours, nor what the link itself needs. */
  straysDuring(act: () => Promise<unknown>): Promise<readonly Frame[]>;
}

/** Registers the hooks that make it. */
export function useProxiedHosts(): ProxiedHosts {
  const places = { addresses: [INTERNET_V4, INTERNET_V6] };
  const on = useBoundHosts({
    [PROXY_NAME]: places,
    [FALSE_NAME]: places,
    [INSIDE_NAME]: { addresses: [SANDBOX_V4] },
  });
  const { lab } = on;
  const made = new AsyncDisposableStack();
  const running: { proxy?: Tinyproxy } = {};
  const inState = (name: string): string => join(lab.stateFolder, name);
  const asked = (): readonly string[] => running.proxy?.asked() ?? [];

  async function startProxy(): Promise<void> {
    running.proxy = await startTinyproxy(lab.internet, {
      port: PLAIN_PORT,
      credentials: `user ${PASSWORD}`,
    });
  }
  async function stopProxy(): Promise<void> {
    await running.proxy?.[Symbol.asyncDispose]();
  }
  beforeAll(async () => {
    made.use(await writeResolvConf(lab.internet, `nameserver ${INTERNET_V4}\n`));
    await startProxy();
    const authority = createOriginAuthority();
    writeFileSync(inState("front.json"), JSON.stringify(authority.issue([PROXY_NAME])));
    writeFileSync(inState("roots.pem"), `${readFileSync(on.rootFile(), "utf8")}\n${authority.ca}`);
    const front = [server("tls-front-child.ts"), String(TLS_PORT), String(PLAIN_PORT), inState("front.json")];
    made.use(await startJsonServer(lab.internet, [process.execPath, ...front]));
    made.use(await startJsonServer(lab.internet, ["python3", server("speaks_first.py"), String(FIRST_PORT)]));
  });
  afterAll(async () => {
    await stopProxy();
    await made.disposeAsync();
  });

  return {
    on,
    start(url, env = {}) {
      // What a test before has changed is no matter of this one.
      rmSync(inState("policy.json"), { force: true });
      return on.start({
        OPENSANDBOX_EGRESS_RULES: JSON.stringify(PROXIED_POLICY),
        OPENSANDBOX_EGRESS_MITMPROXY_UPSTREAM_EXTRA_CA: inState("roots.pem"),
        OPENSANDBOX_EGRESS_UPSTREAM_PROXY: url,
        OPENSANDBOX_EGRESS_UPSTREAM_PROXY_AUTH: AUTH,
        ...env,
      });
    },
    startProxy,
    stopProxy,
    asked,
    asks: (target, before) =>
      until(`the proxy is asked for ${target}`, () => asked().slice(before).includes(target)),
    async straysDuring(act) {
      return (await lab.canary.during(act)).filter(isStray);
    },
  };
}

const server = (name: string): string => fileURLToPath(new URL(`servers/${name}`, import.meta.url));

/** Neighbours, routers and groups. */
const OF_THE_LINK: ReadonlySet<number> = new Set([131, 132, 133, 134, 135, 136, 137, 143]);
const PORTS_HERE: ReadonlySet<number> = new Set([PLAIN_PORT, TLS_PORT, 53]);

function isStray({ transport, destination = "", destinationPort = 0, icmpType = 0 }: Frame): boolean {
  if (transport === "arp" || (transport === "icmpv6" && OF_THE_LINK.has(icmpType))) return false;
  const isHere = destination === INTERNET_V4 || destination === INTERNET_V6;
  return !(isHere && PORTS_HERE.has(destinationPort));
}
