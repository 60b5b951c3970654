/**
 * Interfaces whose queues each belong to one socket at most, and sockets that live as long as somebody has
 * them open.
 */
import type { HeldQueuesPorts, NoHolder } from "../../src/xdp/held-queues.ts";
import type { Holder } from "../../src/xdp/holders.ts";
import type { QueueHold } from "../../src/sys/xdp-socket.ts";

interface FakeHolder extends Holder {
  alive: boolean;
  readonly sockets: ReadonlySet<number>;
}

export interface FakeKernel {
  /** How many queues each interface has. */
  readonly links: Map<number, number>;
  /** Places, `INTERFACE QUEUE`, that somebody else holds. */
  readonly strangers: Set<string>;
  readonly holders: readonly FakeHolder[];
  /** Interfaces that have been set down. */
  readonly down: Set<number>;
  /** What opening a socket gives instead of one. */
  refusal: string | undefined;
  startsHolders: "yes" | "in vain" | "not wanted";
  hasXdp: boolean;
  /** Places that nobody holds. */
  free(): readonly string[];
  aliveHolders(): readonly FakeHolder[];
  removeLink(index: number): void;
  /** Our process ends, however it does: its descriptors are closed. */
  killUs(): void;
  /** As a process that starts now finds them. */
  ports(): HeldQueuesPorts;
}

interface FakeSocket {
  readonly interfaceIndex: number;
  readonly queue: number;
  lost: boolean;
}

export function createFakeKernel(queuesOf: ReadonlyMap<number, number>): FakeKernel {
  const links = new Map(queuesOf);
  const strangers = new Set<string>();
  const sockets = new Map<number, FakeSocket>();
  const ours = new Set<number>();
  const holders: FakeHolder[] = [];
  const down = new Set<number>();

  const isOpen = (fd: number): boolean =>
    ours.has(fd) || holders.some((holder) => holder.alive && holder.sockets.has(fd));
  const isTaken = (index: number, at: number): boolean =>
    strangers.has(`${index} ${at}`) ||
    [...sockets].some(
      ([fd, { interfaceIndex, queue, lost }]) =>
        interfaceIndex === index && queue === at && !lost && isOpen(fd),
    );

  function hold(index: number, queue: number): QueueHold {
    if (kernel.refusal !== undefined) return { ok: false, call: "socket", code: kernel.refusal };
    if (queue >= (links.get(index) ?? 0)) return { ok: false, call: "bind", code: "EINVAL" };
    if (isTaken(index, queue)) return { ok: false, call: "bind", code: "EBUSY" };
    const fd = sockets.size + 10;
    sockets.set(fd, { interfaceIndex: index, queue, lost: false });
    ours.add(fd);
    return { ok: true, fd };
  }

  function startHolder(
    interfaceIndex: number,
    kept: ReadonlyMap<number, number>,
  ): Holder | NoHolder | undefined {
    if (kernel.startsHolders === "not wanted") return undefined;
    if (kernel.startsHolders === "in vain") return { unkept: "no file" };
    const holder: FakeHolder = {
      interfaceIndex,
      queues: [...kept.keys()],
      sockets: new Set(kept.values()),
      alive: true,
      isAlive: () => holder.alive,
      end: () => void (holder.alive = false),
    };
    holders.push(holder);
    return holder;
  }

  const kernel: FakeKernel = {
    links,
    strangers,
    holders,
    down,
    refusal: undefined,
    startsHolders: "yes",
    hasXdp: true,
    free: () =>
      [...links].flatMap(([index, count]) =>
        Array.from({ length: count }, (_, queue) => queue)
          .filter((queue) => !isTaken(index, queue))
          .map((queue) => `${index} ${queue}`),
      ),
    aliveHolders: () => holders.filter(({ alive }) => alive),
    removeLink(index) {
      links.delete(index);
      for (const socket of sockets.values()) if (socket.interfaceIndex === index) socket.lost = true;
    },
    killUs: () => ours.clear(),
    ports: () => ({
      readLinks: () => Array.from(links.keys(), (index) => ({ index, name: `eth${index}` })),
      hold,
      setDown: (index) => {
        down.add(index);
        return true;
      },
      isLost: (fd) => sockets.get(fd)?.lost ?? true,
      close: (fd) => void ours.delete(fd),
      hasXdpSockets: () => kernel.hasXdp,
      earlier: kernel.aliveHolders(),
      startHolder,
      keepWritten: () => undefined,
    }),
  };
  return kernel;
}
