/**
 * The sidecar's API, called as the workload may: without its token, or with a guess. Nothing is changed: the calls are dry runs. And its
 * ports, which nobody may share.
 */
import { existsSync, readFileSync } from "node:fs";
import { request } from "node:http";
import { TOKEN_HEADER } from "../../api/headers.ts";
import { internetAddress, openBareSocket, SOL_SOCKET } from "../../sys/bare-socket.ts";
import { SystemCallError } from "../../sys/errors.ts";
import { SOCK_DGRAM, SOCK_STREAM } from "../../sys/socket.ts";
import { type Check, reasonOf } from "../check.ts";
import { held, open, untried, type Verdict } from "../evidence.ts";
import type { Family, Finding } from "../finding.ts";
import { familyOf, type Place } from "../place.ts";
import { domainOf } from "./connections.ts";

const WAIT_MS = 1000;
const RESOLVER_PORT = 15_353;
const LOOPBACK = ["127.0.0.1", "::1"] as const;
const SO_REUSEADDR = 2;
const SO_REUSEPORT = 15;

export const API: readonly Check[] = [
  {
    name: "changing the policy without the token",
    row: "10",
    async run(place) {
      const calls = addresses(place).flatMap((address) => [
        call(address, place.apiPort, "no token", {}),
        call(address, place.apiPort, "a guess", { [TOKEN_HEADER]: "egress-doctor" }),
      ]);
      return Promise.all(calls);
    },
  },
  {
    name: "sharing the sidecar's ports",
    row: "11",
    async run({ apiPort }) {
      const findings: Finding[] = [];
      for (const address of LOOPBACK) {
        const places: readonly Shared[] = [
          { address, port: RESOLVER_PORT, type: SOCK_DGRAM },
          { address, port: RESOLVER_PORT, type: SOCK_STREAM },
          { address, port: apiPort, type: SOCK_STREAM },
        ];
        findings.push(...places.map(shareTaken));
      }
      return findings;
    },
  },
];

function addresses({ own }: Place): readonly string[] {
  const all = [...LOOPBACK, own.IPv4, own.IPv6].filter((address) => address !== undefined);
  return all.filter((address) => address !== "::1" || own.IPv6 !== undefined);
}

async function call(
  host: string,
  port: number,
  what: string,
  headers: Readonly<Record<string, string>>,
): Promise<Finding> {
  const family = familyOf(host);
  const body = JSON.stringify([{ action: "allow", target: "egress-doctor.invalid" }]);
  const path = "/policy?dryRun=true";
  const answer = await new Promise<number | string>((resolve) => {
    const sent = request({ host, port, method: "PATCH", path, headers, timeout: WAIT_MS }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    sent.on("timeout", () => sent.destroy());
    sent.on("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    sent.end(body);
  });
  return { what, family, ...judgeAnswer(answer, port) };
}

/** `answer`: an HTTP status, or why there is none. */
export function judgeAnswer(answer: number | string, port: number): Verdict {
  if (answer === 401 || answer === 403) return held("refused");
  if (answer === 200) return open("taken: whoever runs here changes the policy");
  if (answer === "ECONNREFUSED") return untried(`nothing listens on port ${port}`);
  return untried(typeof answer === "number" ? `what answers says ${answer}: no API of a sidecar` : answer);
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
