/**
 * Sees what leaves this network namespace: by a packet socket on all interfaces, which sees frames as the
 * driver is handed them, behind the egress hook; and by the interfaces' counters.
 *
 * Known limits: what goes past the queues (PACKET_QDISC_BYPASS, AF_XDP) is not seen, only counted.
 */
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { SystemCallError } from "../../sys/errors.ts";
import {
  AF_PACKET,
  type BareSocket,
  internetAddress,
  linkAddress,
  openBareSocket,
  SOL_PACKET,
} from "../../sys/bare-socket.ts";
import { SOCK_DGRAM, setReceiveBuffer } from "../../sys/socket.ts";
import { AF_INET } from "../../sys/socket-address.ts";
import { type SeenPacket, sentPackets } from "../frames.ts";
import type { Device } from "../device.ts";

export interface Watch extends Disposable {
  /** Whether packets are seen, or only counted. */
  readonly sees: boolean;
  /**
   * Runs `act`, waits a little, and gives what left meanwhile: `packets` undefined if it could not be
   * seen, all of it at least.
   */
  during<T>(act: () => Promise<T>): Promise<Watched<T>>;
}

export interface Watched<T> {
  readonly value: T;
  readonly packets: readonly SeenPacket[] | undefined;
  /** Packets of all interfaces but lo. */
  readonly sent: number;
}

const ETH_P_ALL = 3;
const PACKET_STATISTICS = 6;
const PACKET_OUTGOING = 4;
const BUFFER_OCTETS = 4 * 1024 * 1024;
/** A packet may wait for a processor that takes it off the queue. */
const SETTLE_MS = 30;

/**
 * Watches from now on. It sees only where this process may have packet sockets, and one has seen a datagram
 * on lo.
 */
export async function startWatch(devices: readonly Device[]): Promise<Watch> {
  const tap = openTap();
  const names = new Map(devices.map(({ index, name }) => [index, name]));
  const sees = tap !== undefined && (await worksOn(tap));
  if (!sees) tap?.[Symbol.dispose]();
  return {
    sees,
    async during(act) {
      if (sees) drain(tap);
      const before = countSent();
      const value = await act();
      await sleep(SETTLE_MS);
      const sent = countSent() - before;
      return { value, sent, packets: sees ? collect(tap, names) : undefined };
    },
    [Symbol.dispose]() {
      if (sees) tap[Symbol.dispose]();
    },
  };
}

function openTap(): BareSocket | undefined {
  let tap: BareSocket | undefined;
  try {
    tap = openBareSocket({ domain: AF_PACKET, type: SOCK_DGRAM });
    setReceiveBuffer(tap.fd, BUFFER_OCTETS);
    tap.bind(linkAddress(0, ETH_P_ALL));
    return tap;
  } catch (error) {
    tap?.[Symbol.dispose]();
    if (error instanceof SystemCallError) return undefined; // no CAP_NET_RAW, or no such sockets in this kernel
    throw error;
  }
}

/** The proof that what it does not see was not there. */
async function worksOn(tap: BareSocket): Promise<boolean> {
  const token = randomBytes(16);
  try {
    using sender = openBareSocket({ domain: AF_INET, type: SOCK_DGRAM });
    sender.send(token, internetAddress({ address: "127.0.0.1", port: 9 }));
  } catch (error) {
    if (error instanceof SystemCallError) return false;
    throw error;
  }
  await sleep(SETTLE_MS);
  return drain(tap).some(({ octets, type }) => type === PACKET_OUTGOING && octets.includes(token));
}

function collect(tap: BareSocket, names: ReadonlyMap<number, string>): readonly SeenPacket[] | undefined {
  const packets = drain(tap).flatMap(({ octets, index, type }) => {
    const device = names.get(index);
    return type === PACKET_OUTGOING && device !== undefined ? [{ device, octets }] : [];
  });
  // tpacket_stats: packets:4 dropped:4, since the last time.
  const dropped = tap.get(SOL_PACKET, PACKET_STATISTICS, 8).readUInt32LE(4);
  return dropped === 0 ? packets : undefined;
}

interface Tapped {
  readonly octets: Buffer;
  readonly index: number;
  readonly type: number;
}

function drain(tap: BareSocket): readonly Tapped[] {
  const all: Tapped[] = [];
  for (;;) {
    const one = tap.receive();
    if (one === undefined) return all;
    all.push({ octets: one.octets, index: one.from.readInt32LE(4), type: one.from[10] ?? 0 });
  }
}

function countSent(): number {
  return sentPackets(readFileSync("/proc/self/net/dev", "ascii"));
}
