/**
 * Asks our own listeners for a sign of life. A message without a question gets FORMERR, whatever the policy.
 * Behind its header stand octets that nobody else knows, so that the resolver counts it for nobody's.
 */
import { Socket } from "node:net";
import { createArena } from "../../sys/arena.ts";
import { errnoName, SystemCallError } from "../../sys/errors.ts";
import { EAGAIN, tryCall } from "../../sys/libc.ts";
import { watchReadable } from "../../sys/readiness.ts";
import { closeSocket, openSocket, SOCK_DGRAM, SOCK_STREAM } from "../../sys/socket.ts";
import { MSG_DONTWAIT } from "../../sys/socket-constants.ts";
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

/** More than the answer has. */
const ANSWER_ROOM = 512;

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

function askUdp(question: Question): Promise<Outcome> {
  return asking(question, SOCK_DGRAM, (fd, settle) => {
    const room = createArena(ANSWER_ROOM);
    const watch = watchReadable(fd, () => {
      const length = tryCall("recv", fd, room.address(0), ANSWER_ROOM, MSG_DONTWAIT);
      if (length !== -EAGAIN) settle(length >= 0 ? "answered" : "silent");
    });
    const { ping } = question;
    room.octets.set(ping);
    const sent = tryCall("send", fd, room.address(0), ping.length, MSG_DONTWAIT);
    if (sent !== ping.length) settle(PORT_TAKEN.has(errnoName(-sent)) ? "port taken" : "silent");
    return () => {
      watch.close();
      closeSocket(fd);
    };
  });
}

function askTcp(question: Question): Promise<Outcome> {
  return asking(question, SOCK_STREAM, (fd, settle) => {
    // What is written waits until it is connected.
    const socket = new Socket({ fd });
    socket.write(frameMessage(question.ping));
    socket.once("data", () => settle("answered"));
    socket.once("error", (error) => settle(outcomeOf(error)));
    // Closed without a word: the listener has no room for another connection.
    socket.once("close", () => settle("silent"));
    return () => socket.destroy();
  });
}

/**
 * Opens a socket to whom the question goes, and gives it to `ask`, which returns what closes it. Node's own
 * ways to a socket by an address make a regular expression for IPv6 that takes 5 ms of a start.
 */
async function asking(
  { address, port, localPort, limitMs }: Question,
  type: typeof SOCK_DGRAM | typeof SOCK_STREAM,
  ask: (fd: number, settle: (outcome: Outcome) => void) => () => void,
): Promise<Outcome> {
  const any = address.includes(":") ? "::" : "0.0.0.0";
  const from = localPort === 0 ? {} : { local: { address: any, port: localPort } };
  let fd: number;
  try {
    fd = openSocket({ type, remote: { address, port }, ...from });
  } catch (error) {
    if (!(error instanceof SystemCallError)) throw error;
    return outcomeOf(error);
  }
  const { promise, resolve } = Promise.withResolvers<Outcome>();
  const timer = setTimeout(resolve, limitMs, "silent" satisfies Outcome);
  const end = ask(fd, resolve);
  const outcome = await promise;
  clearTimeout(timer);
  end();
  return outcome;
}
