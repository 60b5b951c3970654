/**
 * Holds every queue of every interface by an AF_XDP socket of our own, so that a workload finds none to send
 * through: what such a socket sends goes to the driver past every hook of netfilter.
 *
 * Each socket is shared with a small process, the holder, that outlives this one; a restart finds it again.
 * Known limits: holders end with the first process of their container, which in the image is a process of its
 * own (image/first-process.sh) and else may be this one; a queue that somebody else has taken cannot be taken
 * from him. An interface that appears later, and whose queue somebody else was quicker to take, is set down.
 */
import type { ProtectionState } from "../protections/protection.ts";
import type { QueueHold } from "../sys/xdp-socket.ts";
import { createHolders, type Holder } from "./holders.ts";

export interface Link {
  readonly index: number;
  readonly name: string;
}

/** There is to be one, and none can be had. */
export interface NoHolder {
  readonly unkept: string;
}

export interface HeldQueuesPorts {
  /** All interfaces but `lo`. */
  readonly readLinks: () => readonly Link[];
  readonly hold: (interfaceIndex: number, queue: number) => QueueHold;
  /** Whether the interface of a socket of ours has gone, and the hold with it. */
  readonly isLost: (fd: number) => boolean;
  readonly close: (fd: number) => void;
  /**
   * Takes the interface out of use: nothing leaves by it, whatever is sent. False if the kernel refuses.
   */
  readonly setDown: (interfaceIndex: number) => boolean;
  readonly hasXdpSockets: () => boolean;
  /**
   * Starts a holder and writes down that it is ours. Undefined if there is to be none, since this process is
   * not started again.
   */
  readonly startHolder: (
    interfaceIndex: number,
    sockets: ReadonlyMap<number, number>,
  ) => Holder | NoHolder | undefined;
  /** Writes down again which holders are ours, if somebody has taken that away. */
  readonly keepWritten: () => NoHolder | undefined;
  /** Holders of an earlier process, which are alive. */
  readonly earlier: readonly Holder[];
}

export interface HeldQueues {
  /** Takes what is free, lets go what is gone; synchronous. Gives back how it stands. */
  look(): ProtectionState;
  /** Closes our own descriptors. Holders stay. */
  close(): void;
}

/** More than any driver has: the loop ends. */
const MAX_QUEUES = 4096;

export function createHeldQueues(ports: HeldQueuesPorts): HeldQueues {
  /** Descriptors by interface and queue. */
  const own = new Map<number, Map<number, number>>();
  const holders = createHolders(ports.earlier);
  /**
   * Interfaces that were there before this process: they are not set down, as that could end what has long
   * been at work.
   */
  let atFirst: ReadonlySet<number> | undefined;

  /** Why a queue of it is not ours; undefined when all are. */
  function holdAll({ index, name }: Link): string | undefined {
    const sockets = own.get(index) ?? new Map<number, number>();
    own.set(index, sockets);
    const taken: number[] = [];
    for (let queue = 0; queue < MAX_QUEUES; queue++) {
      if (sockets.has(queue)) continue;
      const hold = ports.hold(index, queue);
      if (hold.ok) {
        sockets.set(queue, hold.fd);
        // The interface has been away, and what a holder of it kept is void.
        if (holders.keeps(index, queue)) holders.endOf(index);
      } else if (hold.code === "EBUSY" && holders.keeps(index, queue)) continue;
      else if (hold.code === "EBUSY") taken.push(queue);
      else if (isEnd(hold, queue)) break;
      else return describeRefusal(name, hold);
    }
    if (taken.length === 0) return undefined;
    const isDown = atFirst?.has(index) === false && ports.setDown(index);
    return describeTaken(name, taken, isDown);
  }

  /** Why no process keeps some of them held beside this one. */
  function shareAll(): readonly string[] {
    const reasons = new Set<string>();
    const unwritten = ports.keepWritten();
    if (unwritten !== undefined) reasons.add(unwritten.unkept);
    for (const [index, sockets] of own) {
      const alone = new Map([...sockets].filter(([queue]) => !holders.keeps(index, queue)));
      if (alone.size === 0) continue;
      const holder = ports.startHolder(index, alone);
      if (holder === undefined) continue;
      if ("unkept" in holder) reasons.add(holder.unkept);
      else holders.add(holder);
    }
    return [...reasons];
  }

  return {
    look() {
      const links = ports.readLinks();
      atFirst ??= new Set(links.map(({ index }) => index));
      const isThere = (index: number): boolean => links.some((link) => link.index === index);
      closeLost(own, isThere, ports);
      holders.dropGone(isThere);
      if (!ports.hasXdpSockets()) return ON;
      const reasons = [...links.flatMap((link) => holdAll(link) ?? []), ...shareAll()];
      return reasons.length === 0 ? ON : { state: "off", reason: reasons.join("; ") };
    },
    close() {
      for (const sockets of own.values()) for (const fd of sockets.values()) ports.close(fd);
      own.clear();
    },
  };
}

/** Closes descriptors of interfaces that are gone, and those whose hold is. */
function closeLost(
  own: Map<number, Map<number, number>>,
  isThere: (index: number) => boolean,
  ports: Pick<HeldQueuesPorts, "isLost" | "close">,
): void {
  for (const [index, sockets] of own) {
    for (const [queue, fd] of sockets) {
      if (isThere(index) && !ports.isLost(fd)) continue;
      ports.close(fd);
      sockets.delete(queue);
    }
    if (sockets.size === 0) own.delete(index);
  }
}

const ON: ProtectionState = { state: "on" };

function describeTaken(name: string, queues: readonly number[], isDown: boolean): string {
  const consequence = isDown
    ? "so that the interface was set down: set it up once that process has ended"
    : "and sends past the rules until it ends";
  return `another process holds queue ${queues.join(", ")} of interface ${name}, ${consequence}`;
}

/** There is no such queue, or the interface has just gone. */
function isEnd({ call, code }: Exclude<QueueHold, { ok: true }>, queue: number): boolean {
  return call === "bind" && ((code === "EINVAL" && queue > 0) || code === "ENODEV");
}

function describeRefusal(name: string, { call, code }: Exclude<QueueHold, { ok: true }>): string {
  return `the kernel refuses an AF_XDP socket on interface ${name}: ${call} ${code}${HINTS[code] ?? ""}`;
}

const HINTS: Readonly<Record<string, string>> = {
  EPERM: ", for want of CAP_NET_RAW or by a seccomp profile, which may let a workload have one",
  EACCES: ", for want of CAP_NET_RAW or by a seccomp profile, which may let a workload have one",
  ENOBUFS: ", as the limit of locked memory is reached",
};
