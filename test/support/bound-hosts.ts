/**
 * Bound hosts and the real program: sites over TLS in the lab's internet, a vault that binds them, and
 * clients of the workload.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll } from "vitest";
import { z } from "zod";
import { execIn } from "../../src/netns/namespace.ts";
import { type JsonServer, startJsonServer } from "./json-server.ts";
import type { Lab } from "./lab.ts";
import { createOriginAuthority, selfSigned } from "./origin-certificates.ts";
import { CA_FOLDER } from "./own-places.ts";
import type { Sidecar, SidecarOptions } from "./sidecar.ts";
import { until } from "./until.ts";
import type { Zone } from "./upstream.ts";
import { useLab } from "./use-lab.ts";

export const API = "api.example.org";
export const OTHER = "other.example.org";
/** Below a wildcard of the lab, at an address of its own. */
export const BELOW = "a.wild.example.org";
/** Below the same wildcard; it speaks HTTP/1.1 alone. */
export const OLD = "old.wild.example.org";
/** Its certificate has run out. */
export const STALE = "stale.example.org";
/** Its certificate is its own. */
export const FORGED = "forged.example.org";
/** Its certificate is another host's. */
export const WRONG = "wrong.example.org";
/** No rule allows it. */
export const DENIED = "denied.example.org";
/** All but `BELOW` are there. */
export const HERE = ["198.51.100.30", "2001:db8:100::30"] as const;
export const SECRET = "s3cr3t-of-the-test";

export const POLICY = {
  defaultAction: "deny",
  egress: [API, OTHER, STALE, FORGED, WRONG, "*.wild.example.org"].map((target) => ({
    action: "allow",
    target,
  })),
};
const ORIGIN = fileURLToPath(new URL("servers/origin-child.ts", import.meta.url));

export type Answer = Readonly<Record<string, unknown>>;
const answerShape = z.record(z.string(), z.unknown());

/** A client in Python that keeps a connection. It is given the root, and asks again after a line of input. */
export const KEPT = `import socket, ssl, sys
context = ssl.create_default_context(cafile=sys.argv[1])
tls = context.wrap_socket(socket.create_connection(("${API}", 443)), server_hostname="${API}")
def get():
    tls.sendall(b"GET / HTTP/1.1\\r\\nHost: ${API}\\r\\n\\r\\n")
    return tls.recv(65536)
get()
print("open", flush=True)
sys.stdin.readline()
try:
    print("answered" if get() else "ended")
except OSError as error:
    print(type(error).__name__)`;

export interface BoundHosts {
  readonly lab: Lab;
  /** The file of the sites' root. */
  rootFile(): string;
  /** With interception on, and the sites' root trusted. */
  start(
    env?: Readonly<Record<string, string>>,
    rest?: Pick<SidecarOptions, "awaitHealth" | "program">,
  ): Promise<Sidecar>;
  /** A copy of the certificates' file, as the workload has it. */
  bundle(sidecar: Sidecar): string;
  bind(sidecar: Sidecar, hosts: readonly string[], schemes?: readonly string[]): Promise<void>;
  unbind(sidecar: Sidecar): Promise<void>;
  /** curl as the workload; what the site says of the request. */
  ask(url: string, ...options: readonly string[]): Promise<{ code: number | undefined; answer: Answer }>;
  /** The status that curl is given. */
  status(url: string, ...options: readonly string[]): Promise<string>;
  /** Requests that the sites have seen meanwhile. */
  requestsDuring(run: () => Promise<unknown>): Promise<readonly Answer[]>;
}

/** Registers the hooks that make it. `further`: names of the lab's resolver. */
export function useBoundHosts(further: Zone = {}): BoundHosts {
  const here = { addresses: HERE };
  const lab = useLab({
    zone: {
      ...further,
      [API]: here,
      [OTHER]: here,
      [STALE]: here,
      [FORGED]: here,
      [WRONG]: here,
      [DENIED]: here,
    },
  });
  const sites: { origin?: JsonServer } = {};
  const at = (name: string): string => join(lab.stateFolder, name);
  beforeAll(async () => {
    const authority = createOriginAuthority();
    const good = [API, OTHER, BELOW, OLD, DENIED].map((name) => [name, authority.issue([name])] as const);
    const certificates = Object.fromEntries([
      ...good,
      [STALE, authority.issue([STALE], -1)],
      [WRONG, authority.issue(["right.example.org"])],
      [FORGED, selfSigned(FORGED, [FORGED])],
    ]);
    writeFileSync(at("sites.json"), JSON.stringify(certificates));
    writeFileSync(at("origin-ca.pem"), authority.ca);
    sites.origin = await startJsonServer(lab.internet, [process.execPath, ORIGIN, at("sites.json")]);
  });
  afterAll(() => sites.origin?.[Symbol.asyncDispose]());
  const lines = (): JsonServer["lines"] => sites.origin?.lines ?? [];
  const curl = (options: readonly string[]) => lab.asWorkload(["curl", "-s", "--max-time", "60", ...options]);

  return {
    lab,
    rootFile: () => at("origin-ca.pem"),
    start(env = {}, rest = {}) {
      const intercepting = {
        OPENSANDBOX_EGRESS_MITMPROXY_TRANSPARENT: "true",
        OPENSANDBOX_EGRESS_MITMPROXY_UPSTREAM_EXTRA_CA: at("origin-ca.pem"),
      };
      return lab.startSidecar({ policy: POLICY, env: { ...intercepting, ...env }, ...rest });
    },
    bundle(sidecar) {
      writeFileSync(at("bundle.pem"), readFileSync(certificatesOf(sidecar)));
      return at("bundle.pem");
    },
    async bind(sidecar, hosts, schemes = ["https"]) {
      const auth = { type: "apiKey", name: "X-Injected", credential: "c" };
      const body = {
        credentials: [{ name: "c", source: { type: "inline", value: SECRET } }],
        bindings: [{ name: "b", match: { schemes, hosts }, auth }],
      };
      await mustBe(201, sidecar.api("POST", "/credential-vault", { body }));
    },
    unbind: (sidecar) => mustBe(204, sidecar.api("DELETE", "/credential-vault")),
    async ask(url, ...options) {
      const { exitCode: code, stdout } = await curl([...options, url]);
      const isJson = code === 0 && stdout.startsWith("{");
      return { code, answer: isJson ? answerShape.parse(JSON.parse(stdout)) : {} };
    },
    status: async (url, ...options) =>
      (await curl(["-o", "/dev/null", "-w", "%{http_code}", ...options, url])).stdout,
    async requestsDuring(run) {
      const before = lines().length;
      await run();
      // A line that nobody else causes: what was caused before is ahead of it.
      const path = `/mark-${before}`;
      const place = ["--resolve", `${OTHER}:443:127.0.0.1`, `https://${OTHER}${path}`];
      await execIn(lab.internet, ["curl", "-sk", ...place]);
      await until("the mark is seen", () => lines().some((line) => line["path"] === path));
      return lines()
        .slice(before)
        .filter((line) => line.event === "request" && line["path"] !== path);
    },
  };
}

/** The file itself, in the mounts that the sidecar has. */
export function certificatesOf({ pid }: Sidecar): string {
  return `/proc/${pid}/root${CA_FOLDER}/mitmproxy-ca-cert.pem`;
}

async function mustBe(status: number, answer: ReturnType<Sidecar["api"]>): Promise<void> {
  const given = await answer;
  if (given.status !== status) throw new Error(`${given.status}, not ${status}: ${given.text}`);
}
