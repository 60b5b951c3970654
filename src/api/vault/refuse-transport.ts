import type { IncomingMessage } from "node:http";
import net, { type Socket } from "node:net";
import { renderAddress, renderIpv6 } from "../../policy/address.ts";
import type { Door } from "../http/door.ts";
import type { Refusal } from "../refusal.ts";
import type { VaultSettings } from "./vault-parts.ts";

/** What of a request says how it came. */
export interface Arrival {
  readonly door: Pick<Door, "kind">;
  readonly incoming: Pick<IncomingMessage, "headers"> & {
    readonly socket: Pick<Socket, "remoteAddress" | "remoteFamily">;
  };
}

/**
 * The refusal of a write that crosses a network in the clear, if the settings ask for more. It lets in a
 * caller on the loopback, as the original does, and the unix socket. For others a trusted proxy's word counts
 * that they came by TLS.
 */
export function createTransportCheck({
  requireTls,
  trustedProxies,
}: Pick<VaultSettings, "requireTls" | "trustedProxies">): (arrival: Arrival) => Refusal | undefined {
  if (!requireTls) return () => undefined;
  const trusted = new net.BlockList();
  for (const { family, octets, length } of trustedProxies) {
    if (family === 4) trusted.addSubnet(renderAddress(octets), length, "ipv4");
    else trusted.addSubnet(renderIpv6(octets), length, "ipv6");
  }
  const loopback = new net.BlockList();
  loopback.addSubnet("127.0.0.0", 8, "ipv4");
  loopback.addAddress("::1", "ipv6");
  return ({ door, incoming }) => {
    if (door.kind === "unix") return undefined;
    const { remoteAddress = "", remoteFamily } = incoming.socket;
    const family = remoteFamily === "IPv6" ? "ipv6" : "ipv4";
    if (remoteAddress === "") return INSECURE;
    if (loopback.check(remoteAddress, family)) return undefined;
    const isSecure = String(incoming.headers["x-forwarded-proto"]).trim().toLowerCase() === "https";
    return isSecure && trusted.check(remoteAddress, family) ? undefined : INSECURE;
  };
}

const INSECURE: Refusal = {
  code: "insecure-transport",
  message: "credential vault writes require TLS or loopback transport",
};
