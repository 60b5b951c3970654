/**
 * Asks our own listeners for a sign of life. A message without a question gets FORMERR, whatever the policy.
 * Behind its header stand octets that nobody else knows, so that the resolver counts it for nobody's.
 */
import { createSocket } from "node:dgram";
import { connect, isIPv6 } from "node:net";
import type { Endpoint } from "../../sys/socket-address.ts";
import { readOwnPorts } from "../../sys/local-ports.ts";
import { drawBelow } from "../../sys/random.ts";
import { HEADER_OCTETS } from "../wire/constants.ts";
import { frameMessage } from "./tcp-framing.ts";

/**
 * Why the resolver does not answer at that address, or undefined when it does over both transports. Other
 * processes can take every port that the kernel gives: it is then asked from another, and is not silent
 * because there is none.
 */
export async function findSilentTransport(
  { address, port }: Endpoint,
  ping: Buffer,
  limitMs: number,
): Promise<string | undefined> {
  const ask = (transport: Ask) =>
    askFromAnyPort((localPort) => transport({ address, port, ping, localPort, limitMs }));
  const [udp, tcp] = await Promise.all([ask(askUdp), ask(askTcp)]);
  if (udp && tcp) return undefined;
  const silent = udp ? "TCP" : tcp ? "UDP" : "UDP and TCP";
  return `the resolver does not answer over ${silent} at ${address} port ${port}`;
}

const SECRET_OCTETS = 16;

/** What is asked: drawn once for a resolver. */
export function drawPing(fill: (octets: Uint8Array) => void): Buffer {
  const ping = Buffer.alloc(HEADER_OCTETS + SECRET_OCTETS);
  fill(ping.subarray(HEADER_OCTETS));
  return ping;
}

interface Question extends Endpoint {
  readonly ping: Buffer;
  /** To be asked from; 0 is one that the kernel gives. */
  readonly localPort: number;
  readonly limitMs: number;
}

type Outcome = "answered" | "silent" | "port taken";
type Ask = (question: Question) => Promise<Outcome>;

const OWN_TRIES = 4;

async function askFromAnyPort(ask: (localPort: number) => Promise<Outcome>): Promise<boolean> {
  let outcome = await ask(0);
  for (let tries = 0; outcome === "port taken" && tries < OWN_TRIES; tries += 1) {
    const { count, port } = readOwnPorts();
    if (count > 0) outcome = await ask(port(drawBelow(count)));
  }
  return outcome !== "silent";
}

/** What bind(2), connect(2) and sendto(2) say of a port that is taken, and if none is left. */
const PORT_TAKEN: ReadonlySet<string | undefined> = new Set(["EADDRINUSE", "EADDRNOTAVAIL", "EAGAIN"]);

function outcomeOf(error: NodeJS.ErrnoException): Outcome {
  return PORT_TAKEN.has(error.code) ? "port taken" : "silent";
}

function askUdp({ address, port, ping, localPort, limitMs }: Question): Promise<Outcome> {
  return new Promise((resolve) => {
    const socket = createSocket(isIPv6(address) ? "udp6" : "udp4");
    const timer = setTimeout(() => settle("silent"), limitMs);
    function settle(outcome: Outcome): void {
      clearTimeout(timer);
      socket.close();
      resolve(outcome);
    }
    socket.once("message", () => settle("answered"));
    socket.once("error", (error) => settle(outcomeOf(error)));
    socket.bind(localPort, () => socket.send(ping, port, address));
  });
}

function askTcp({ address, port, ping, localPort, limitMs }: Question): Promise<Outcome> {
  return new Promise((resolve) => {
    const from = localPort === 0 ? {} : { localPort };
    const socket = connect({ host: address, port, timeout: limitMs, ...from });
    function settle(outcome: Outcome): void {
      socket.destroy();
      resolve(outcome);
    }
    socket.once("connect", () => socket.write(frameMessage(ping)));
    socket.once("data", () => settle("answered"));
    socket.once("timeout", () => settle("silent"));
    socket.once("error", (error) => settle(outcomeOf(error)));
    // Closed without a word: the listener has no room for another connection.
    socket.once("close", () => settle("silent"));
  });
}
