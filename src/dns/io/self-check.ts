/** Asks our own listeners for a sign of life. A message that is only a header gets FORMERR, whatever the policy. */
import { createSocket } from "node:dgram";
import { connect, isIPv6 } from "node:net";
import type { Endpoint } from "../../sys/socket-address.ts";
import { HEADER_OCTETS } from "../wire/constants.ts";
import { frameMessage } from "./tcp-framing.ts";

/** Why the resolver does not answer at that address, or undefined when it does over both transports. */
export async function findSilentTransport(
  { address, port }: Endpoint,
  limitMs: number,
): Promise<string | undefined> {
  const [udp, tcp] = await Promise.all([
    answersUdp(address, port, limitMs),
    answersTcp(address, port, limitMs),
  ]);
  if (udp && tcp) return undefined;
  const silent = udp ? "TCP" : tcp ? "UDP" : "UDP and TCP";
  return `the resolver does not answer over ${silent} at ${address} port ${port}`;
}

const PING = Buffer.alloc(HEADER_OCTETS);

function answersUdp(address: string, port: number, limitMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createSocket(isIPv6(address) ? "udp6" : "udp4");
    const timer = setTimeout(() => settle(false), limitMs);
    function settle(answered: boolean): void {
      clearTimeout(timer);
      socket.close();
      resolve(answered);
    }
    socket.once("message", () => settle(true));
    socket.once("error", () => settle(false));
    socket.send(PING, port, address);
  });
}

function answersTcp(address: string, port: number, limitMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: address, port, timeout: limitMs });
    function settle(answered: boolean): void {
      socket.destroy();
      resolve(answered);
    }
    socket.once("connect", () => socket.write(frameMessage(PING)));
    socket.once("data", () => settle(true));
    socket.once("timeout", () => settle(false));
    // Closed without a word: the listener has no room for another connection.
    socket.once("close", () => settle(false));
    socket.once("error", () => settle(false));
  });
}
