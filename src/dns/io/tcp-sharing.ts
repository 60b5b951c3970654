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
import { type ConnectionPoolOptions, createConnectionPool } from "./connection-pool.ts";
import type { Asking, TcpConnection } from "./tcp-connection.ts";
import { createManners } from "./tcp-manners.ts";
import { createTurns } from "./turns.ts";

/** How often a question is sent that is lost with its connection. */
const MAX_TRIES = 3;

export type TcpSharingOptions = Pick<ConnectionPoolOptions, "remote" | "own" | "hangUp">;

export interface TcpSharing {
  ask(asking: Asking): void;
  /** Its time is over. */
  expire(asking: Asking): void;
  close(): void;
}

export function createTcpSharing(options: TcpSharingOptions): TcpSharing {
  const waiting = createTurns<Asking>();
  const manners = createManners();
  const connections = createConnectionPool({ ...options, manners, onAnswer, onEnd });
  let isClosed = false;

  /** False if the question has to wait. */
  function send(asking: Asking): boolean {
    if (!asking.isWanted()) {
      asking.settle(undefined);
      return true;
    }
    const connection = connections.take(asking.group);
    if (connection === undefined) return false;
    asking.tries += 1;
    asking.sentMs = performance.now();
    connection.send(asking);
    return true;
  }

  function pump(): void {
    if (!isClosed) waiting.drain(send);
  }

  function onAnswer(connection: TcpConnection, asking: Asking, answer: Buffer): void {
    manners.answered(connection, asking, connections.isOldest(connection), performance.now());
    connections.earn(connection.group);
    asking.settle(answer);
    connections.rest(connection);
    pump();
  }

  function onEnd(connection: TcpConnection, lost: readonly Asking[], wasOpen: boolean): void {
    connections.drop(connection);
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
      connections.giveUp(asking, manners.isParallel());
      pump();
    },
    close() {
      isClosed = true;
      connections.close();
    },
  };
}
