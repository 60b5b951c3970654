/**
 * Who may use the connections to one upstream. A question goes on a connection that is idle, on a new one, or
 * behind others of its own group; else it waits, and groups take turns when a place is free.
 *
 * - A connection serves one group at a time (`bounds/lookup-groups.ts`): a server may answer one question
 *   after the other, and a question that is never answered then holds up those behind it. One on which a
 *   question has run out of time is not used again.
 * - A group begins with few connections and earns more by answers (`group-places.ts`), so that names whose
 *   answers never come hold few places.
 * - Questions go behind others two deep, and 64 deep once the upstream has shown that it answers them side by
 *   side.
 * - Idle connections are kept for a moment, by upstreams that have served one connection while another was
 *   open.
 * - An upstream that closes after an answer is sent one question a connection for five minutes, and what was
 *   lost by that is asked again.
 */
import type { Socket } from "node:net";
import type { Endpoint } from "../../sys/socket-address.ts";
import type { OwnSocketOptions } from "./own-socket.ts";
import { type Asking, openTcpConnection, type TcpConnection } from "./tcp-connection.ts";
import { createGroupPlaces } from "./group-places.ts";
import { createIdleConnections } from "./idle-connections.ts";
import { createManners } from "./tcp-manners.ts";
import { createTurns } from "./turns.ts";

/** How often a question is sent that is lost with its connection. */
const MAX_TRIES = 3;

export interface TcpSharingOptions {
  readonly remote: Endpoint;
  readonly own: OwnSocketOptions;
  readonly hangUp: (socket: Socket) => void;
}

export interface TcpSharing {
  ask(asking: Asking): void;
  /** Its time is over. */
  expire(asking: Asking): void;
  close(): void;
}

export function createTcpSharing(options: TcpSharingOptions): TcpSharing {
  /** In the order in which they were opened; and those of them that carry questions. */
  const opened = new Set<TcpConnection>();
  const busy = new Set<TcpConnection>();
  const idle = createIdleConnections();
  const waiting = createTurns<Asking>();
  const places = createGroupPlaces();
  const manners = createManners();
  let isClosed = false;

  /** A connection that the group's next question may go out by now. */
  function findPlace(group: number): TcpConnection | undefined {
    if (places.mayTake(group, busy.size)) return idle.take() ?? open();
    let best: TcpConnection | undefined;
    for (const one of busy) {
      if (one.group !== group || one.isStuck || one.waiting() >= manners.depth()) continue;
      if (best === undefined || one.waiting() < best.waiting()) best = one;
    }
    return best;
  }

  function open(): TcpConnection | undefined {
    try {
      const connection = openTcpConnection({ ...options, onAnswer, onEnd });
      opened.add(connection);
      return connection;
    } catch {
      return undefined; // No way, or no descriptor: the question waits, and fails with its time.
    }
  }

  function send(asking: Asking): boolean {
    if (!asking.isWanted()) {
      asking.settle(undefined);
      return true;
    }
    const connection = findPlace(asking.group);
    if (connection === undefined) return false;
    if (!busy.has(connection)) {
      busy.add(connection);
      connection.group = asking.group;
      places.take(asking.group);
    }
    asking.tries += 1;
    asking.sentMs = performance.now();
    connection.send(asking);
    return true;
  }

  function pump(): void {
    if (!isClosed) waiting.drain(send);
  }

  function release(connection: TcpConnection): void {
    if (busy.delete(connection)) places.release(connection.group);
  }

  /** Keeps a connection that carries no question any more, or ends it. */
  function rest(connection: TcpConnection): void {
    if (connection.waiting() > 0) return;
    release(connection);
    const isOfUse = !connection.isStuck && manners.servesSeveral() && !manners.isSingle() && !isClosed;
    if (!isOfUse || !idle.keep(connection)) connection.end();
  }

  function onAnswer(connection: TcpConnection, asking: Asking, answer: Buffer): void {
    const [oldest] = opened;
    manners.answered(connection, asking, connection === oldest, performance.now());
    places.earn(connection.group);
    asking.settle(answer);
    rest(connection);
    pump();
  }

  function onEnd(connection: TcpConnection, lost: readonly Asking[], wasOpen: boolean): void {
    opened.delete(connection);
    idle.drop(connection);
    release(connection);
    if (lost.length > 0 && connection.answers > 0) manners.closesAfterAnswer();
    for (const asking of lost) {
      if (wasOpen && asking.tries < MAX_TRIES && !isClosed) waiting.add(asking.group, asking);
      else asking.settle(undefined);
    }
    pump();
  }

  return {
    ask(asking) {
      waiting.add(asking.group, asking);
      pump();
    },
    expire(asking) {
      waiting.remove(asking.group, asking);
      for (const connection of busy) {
        if (!connection.forget(asking)) continue;
        connection.isStuck = !manners.isParallel();
        places.lose(asking.group);
        rest(connection);
        break;
      }
      pump();
    },
    close() {
      isClosed = true;
      for (const connection of opened) connection.end();
    },
  };
}
