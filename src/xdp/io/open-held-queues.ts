/**
 * The queues of this network namespace: held by sockets, kept by holders, which a file beside the unix socket
 * names.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { Protections } from "../../protections/protections.ts";
import { SystemCallError } from "../../sys/errors.ts";
import { closeSocket, takeSocketError } from "../../sys/socket.ts";
import { hasXdpSockets, holdQueue } from "../../sys/xdp-socket.ts";
import { createHeldQueues, type HeldQueuesPorts, type Link, type NoHolder } from "../held-queues.ts";
import type { Holder } from "../holders.ts";
import { endHolder, findHolders, isHolding, spawnHolder, readStartTime } from "./holder.ts";
import { type HolderRecord, readHolders, writeHolders } from "./holders-file.ts";

export interface WatchedQueues {
  /** Looks at the interfaces as they are now. */
  look(): void;
  /** Holders stay. */
  close(): void;
}

export interface WatchedQueuesOptions {
  /** Of the holders' file. */
  readonly path: string;
  /** Whether the queues stay held when this process ends. */
  readonly outlive: boolean;
  readonly readLinks: () => readonly Link[];
  /** Throws SystemCallError. */
  readonly setDown: (interfaceIndex: number) => void;
  readonly protections: Pick<Protections, "report">;
  readonly onFault: (message: string, error: unknown) => void;
}

/** The kernel lets a queue go some time after its socket was closed. */
const RELEASE_TRIES = 10;
const RELEASE_MS = 20;
/** Events say nothing of a stranger who ends, nor of queues that are added to an interface. */
const WANTING_MS = 5_000;
const WHOLE_MS = 30_000;

/**
 * Takes the queues, reports `af-xdp`, and goes on looking from time to time. Throws SystemCallError if the
 * interfaces cannot be read.
 */
export async function openHeldQueues(options: WatchedQueuesOptions): Promise<WatchedQueues> {
  const queues = createHeldQueues(createPorts(options));
  let timer: NodeJS.Timeout | undefined;
  let state = queues.look();
  for (let tries = 0; state.state === "off" && tries < RELEASE_TRIES; tries++) {
    await sleep(RELEASE_MS);
    state = queues.look();
  }

  function settle(wholeMs = WHOLE_MS): void {
    options.protections.report("af-xdp", state);
    clearTimeout(timer);
    timer = setTimeout(look, state.state === "on" ? wholeMs : WANTING_MS).unref();
  }

  function look(): void {
    try {
      state = queues.look();
    } catch (error) {
      options.onFault("the queues of the interfaces could not be looked at", error);
      state = { state: "off", reason: "the queues of the interfaces could not be looked at" };
    }
    settle();
  }

  // A holder that was killed before it was told to stay may have looked alive.
  settle(WANTING_MS);
  return {
    look,
    close() {
      clearTimeout(timer);
      queues.close();
    },
  };
}

/**
 * Ends the holders of this network namespace, those that the file names and all others; false if there is
 * none. The file then stays as it is, since it may be that of a sidecar elsewhere; otherwise it keeps what
 * others hold.
 */
export function releaseHeldQueues(path: string): boolean {
  const records = readHolders(path);
  const here = records.filter(isHolding);
  const found = [...here, ...findHolders()];
  for (const holder of found) endHolder(holder);
  if (here.length > 0)
    writeHolders(
      path,
      records.filter((record) => !here.includes(record) && isThere(record)),
    );
  return found.length > 0;
}

function createPorts({ path, outlive, readLinks, setDown }: WatchedQueuesOptions): HeldQueuesPorts {
  let records: readonly HolderRecord[] = readHolders(path).filter(isHolding);
  function writeDown(next: readonly HolderRecord[]): NoHolder | undefined {
    try {
      writeHolders(path, next);
      records = next;
      return undefined;
    } catch (error) {
      return noHolder(`${path} cannot be written (${codeOf(error)})`);
    }
  }
  return {
    readLinks,
    hold: holdQueue,
    isLost,
    close: closeSocket,
    setDown(interfaceIndex) {
      try {
        setDown(interfaceIndex);
        return true;
      } catch {
        return false; // the protection's reason then says that it sends on
      }
    },
    hasXdpSockets: () => hasXdpSockets(),
    earlier: records.map(toHolder),
    startHolder(interfaceIndex, sockets) {
      if (!outlive) return undefined;
      if (process.pid === 1) return noHolder("as process 1 of its container it ends all others with it");
      const started = spawnHolder(interfaceIndex, sockets);
      if (started === undefined) return noHolder("/bin/sh cannot be started, or /proc not be read");
      const failure = writeDown([...records.filter(isThere), started.record]);
      if (failure !== undefined) {
        started.end();
        return failure;
      }
      started.keep();
      return toHolder(started.record);
    },
    keepWritten() {
      const written = new Set(readHolders(path).map(renderRecord));
      const kept = records.filter(isThere);
      return kept.every((record) => written.has(renderRecord(record))) ? undefined : writeDown(kept);
    },
  };
}

function isThere({ pid, startTime }: HolderRecord): boolean {
  return readStartTime(pid) === startTime;
}

function renderRecord({ pid, startTime }: HolderRecord): string {
  return `${pid} ${startTime}`;
}

function isLost(fd: number): boolean {
  try {
    return takeSocketError(fd) !== 0;
  } catch (error) {
    if (!(error instanceof SystemCallError)) throw error;
    return true; // no socket is there any more
  }
}

function noHolder(why: string): NoHolder {
  return { unkept: `no process can keep the queues held while this one is restarted: ${why}` };
}

/** Throws what is no failure of a system call. */
function codeOf(error: unknown): string {
  if (error instanceof Error && "code" in error && typeof error.code === "string") return error.code;
  throw error;
}

function toHolder(record: HolderRecord): Holder {
  return {
    interfaceIndex: record.interfaceIndex,
    queues: record.queues,
    isAlive: () => isThere(record),
    end: () => endHolder(record),
  };
}
