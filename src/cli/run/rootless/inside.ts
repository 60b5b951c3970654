/**
 * A run without root, in the namespaces that `enter.ts` has made: it has pasta(1) join them to the machine's
 * network, and closes the machine's own addresses.
 */
import { existsSync, readFileSync, writeFileSync, writeSync } from "node:fs";
import type { Environment } from "../../../config/environment.ts";
import { addAddress, setLinkUp } from "../../../netlink/link-messages.ts";
import { openRouteSocket } from "../../../netns/route-socket.ts";
import { parseAddress, renderAddress } from "../../../policy/address.ts";
import { findMappedUser } from "../../../sys/user-namespace.ts";
import { type CommandUser, OF_SUDO } from "../command/command-user.ts";
import { NetworkSetupError } from "../errors.ts";
import { numberOf, parseObject, stringsOf } from "../json.ts";

/** The variable by which this program hands itself what follows. */
export const INSIDE = "EGRESS_RUN_INSIDE";

interface Handed {
  /** To and from what starts pasta: descriptors. */
  readonly orders: number;
  readonly answers: number;
  /** The machine's own, but for loopback: ADDRESS/LENGTH. */
  readonly addresses: readonly string[];
}

export interface Inside {
  /** The caller's environment. */
  readonly env: Environment;
  /** Whom the command is: the caller. */
  readonly user: CommandUser;
  /** Returns once the network is there. Throws NetworkSetupError. */
  join(): void;
  /**
   * What is sent to the machine's own addresses ends here, where nobody listens; not so of its resolvers.
   * Throws SystemCallError, NetlinkError.
   */
  close(upstreams: readonly string[]): void;
}

export const LIMITS =
  "without root: pasta carries TCP, UDP and ping alone, this machine's own addresses are closed, the protection own-sockets is off";

export function renderInside(handed: Handed): string {
  return JSON.stringify(handed);
}

/** Undefined if this process is in no such namespaces. */
export function findInside(env: Environment): Inside | undefined {
  const caller = findMappedUser();
  const given = parseObject(env[INSIDE] ?? "");
  const [orders, answers] = [numberOf(given, "orders"), numberOf(given, "answers")];
  if (caller === undefined || orders === undefined || answers === undefined) return undefined;
  const left = Object.entries(env).filter(([name]) => name !== INSIDE && !OF_SUDO.includes(name));
  const handed = { orders, answers, addresses: stringsOf(given, "addresses") };
  return {
    env: Object.fromEntries(left),
    user: { ...caller, groups: [], isMapped: true, env: {} },
    join: () => joinMachine(handed),
    close: (upstreams) => closeOwnAddresses(handed, upstreams),
  };
}

function joinMachine({ orders, answers }: Handed): void {
  writeSync(orders, "go\n");
  const answer = readFileSync(answers, "utf8").trim();
  if (answer !== "ready") throw new NetworkSetupError(answer || "what starts pasta has ended");
  // This network is nobody's but the run's, so IPv6 may be forwarded if pasta has found it on the machine.
  const forwarding = "/proc/sys/net/ipv6/conf/all/forwarding";
  if (existsSync(forwarding)) writeFileSync(forwarding, "1");
}

/** The number of `lo` in every network namespace. */
export const LOOPBACK = 1;

function closeOwnAddresses({ addresses }: Handed, upstreams: readonly string[]): void {
  const routes = openRouteSocket();
  try {
    const open = new Set([...routes.addresses().map(({ octets }) => renderAddress(octets)), ...upstreams]);
    const closed = addresses.flatMap((text) => {
      const [address = "", length] = text.split("/");
      const parsed = parseAddress(address);
      return parsed.ok && !open.has(address) ? [{ octets: parsed.value.octets, length: Number(length) }] : [];
    });
    routes.change((writer, next) => {
      setLinkUp(writer, next(), LOOPBACK);
      for (const one of closed) addAddress(writer, next(), { index: LOOPBACK, ...one });
    });
  } finally {
    routes.close();
  }
}
