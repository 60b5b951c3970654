/**
 * The sidecar's ports, which nobody may share. Nobody else may bind the resolver's. The API's may be bound,
 * for the API itself listens on another port; but callers must still reach the API, and not the holder of the
 * port.
 */
import { LOOPBACK, WAIT_MS } from "../loopback.ts";
import { RESOLVER_PORT } from "../../dns/resolver-port.ts";
import { existsSync, readFileSync } from "node:fs";
import { createServer, get } from "node:http";
import { internetAddress, openBareSocket } from "../../sys/bare-socket.ts";
import { SOL_SOCKET, SO_REUSEADDR } from "../../sys/socket-constants.ts";
import { SystemCallError } from "../../sys/errors.ts";
import { SOCK_DGRAM, SOCK_STREAM } from "../../sys/socket.ts";
import { type Check, reasonOf } from "../check.ts";
import { held, open, untried, type Verdict } from "../evidence.ts";
import type { Family, Finding } from "../finding.ts";
import { familyOf } from "../place.ts";
import { domainOf } from "./connections.ts";

const SO_REUSEPORT = 15;

export const SHARED_PORTS: readonly Check[] = [
  {
    name: "sharing the sidecar's ports",
    row: "11",
    async run({ apiPort }) {
      const findings: Finding[] = [];
      for (const address of LOOPBACK) {
        for (const type of [SOCK_DGRAM, SOCK_STREAM] as const) {
          findings.push(shareTaken({ address, port: RESOLVER_PORT, type }));
        }
        findings.push({
          what: `port ${apiPort} TCP`,
          family: familyOf(address),
          ...(await squat(address, apiPort)),
        });
      }
      return findings;
    },
  },
];

/** Holds the port for a moment, where somebody answers callers there already. */
async function squat(host: string, port: number): Promise<Verdict> {
  const before = await call(host, port);
  if (before !== "answered") return untried(`nobody answers on port ${port}: ${before}`);
  let hasHeard = false;
  const server = createServer((_, response) => response.end()).on("connection", () => {
    hasHeard = true;
  });
  const refused = await new Promise<string | undefined>((resolve) => {
    server.on("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    server.listen({ host, port, reusePort: true }, () => resolve(undefined));
  });
  if (refused !== undefined) return refused === "EADDRINUSE" ? held("taken") : untried(refused);
  try {
    return judgeCall(await call(host, port), hasHeard);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

/** `ended`: how a call to the port has ended while it was held. */
export function judgeCall(ended: string, hasHeard: boolean): Verdict {
  if (hasHeard) return open("a call came to who shared the port");
  return ended === "answered" ? held("calls go past who holds the port") : untried(ended);
}

/** `answered`, whatever it says; or why not. */
function call(host: string, port: number): Promise<string> {
  return new Promise((resolve) => {
    const sent = get({ host, port, path: "/healthz", agent: false, timeout: WAIT_MS }, (response) => {
      response.resume();
      resolve("answered");
    });
    sent.on("timeout", () => sent.destroy(new Error("no answer in time")));
    sent.on("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
  });
}

interface Shared {
  readonly address: string;
  readonly port: number;
  readonly type: typeof SOCK_STREAM | typeof SOCK_DGRAM;
}

/** Only a port that is taken is tried: a free one may be the next sidecar's. */
function shareTaken({ address, port, type }: Shared): Finding {
  const family: Family = familyOf(address);
  const what = `port ${port} ${type === SOCK_STREAM ? "TCP" : "UDP"}`;
  try {
    if (!isTaken(type === SOCK_STREAM ? "tcp" : "udp", family, port)) {
      return { what, family, ...untried("nobody has it") };
    }
    using socket = openBareSocket({ domain: domainOf({ family }), type });
    for (const option of [SO_REUSEADDR, SO_REUSEPORT]) socket.set(SOL_SOCKET, option, 1);
    socket.bind(internetAddress({ address, port }));
    return { what, family, ...open("it was shared") };
  } catch (error) {
    const isRefused = error instanceof SystemCallError && error.code === "EADDRINUSE";
    return { what, family, ...(isRefused ? held("taken") : untried(reasonOf(error))) };
  }
}

function isTaken(transport: "tcp" | "udp", family: Family, port: number): boolean {
  const [four, six] = [transport, `${transport}6`].map((table) =>
    boundSockets(readIfThere(`/proc/self/net/${table}`)),
  );
  // A socket of IPv6 that is bound to no address may have the port of IPv4, too.
  const others = family === "IPv4" ? (six ?? []).filter(({ isWildcard }) => isWildcard) : [];
  return [...((family === "IPv4" ? four : six) ?? []), ...others].some((bound) => bound.port === port);
}

/** Sockets without a far end, of a table such as /proc/net/tcp. */
export function boundSockets(
  text: string,
): readonly { readonly port: number; readonly isWildcard: boolean }[] {
  const line = /^ *\d+: (?<address>[0-9A-F]+):(?<port>[0-9A-F]{4}) [0-9A-F]+:0000 /gm;
  return [...text.matchAll(line)].map(({ groups }) => ({
    port: Number.parseInt(groups?.["port"] ?? "", 16),
    isWildcard: /^0+$/.test(groups?.["address"] ?? ""),
  }));
}

/** A kernel without IPv6 has no tables of it. */
function readIfThere(path: string): string {
  return existsSync(path) ? readFileSync(path, "ascii") : "";
}
