/**
 * The connections to one upstream: which of them a group's next question may go out by, and what becomes of
 * one that carries no question any more. A connection serves one group at a time.
 */
import type { Socket } from "node:net";
import type { Endpoint } from "../../sys/socket-address.ts";
import { createGroupPlaces } from "./group-places.ts";
import { createIdleConnections } from "./idle-connections.ts";
import type { OwnSocketOptions } from "./own-socket.ts";
import {
  type Asking,
  openTcpConnection,
  type TcpConnection,
  type TcpConnectionOptions,
} from "./tcp-connection.ts";
import type { Manners } from "./tcp-manners.ts";

export interface ConnectionPoolOptions extends Pick<TcpConnectionOptions, "onAnswer" | "onEnd"> {
  readonly remote: Endpoint;
  readonly own: OwnSocketOptions;
  readonly hangUp: (socket: Socket) => void;
  readonly manners: Pick<Manners, "depth" | "isSingle" | "servesSeveral">;
}

export interface ConnectionPool {
  /**
   * A connection for one more question of the group: idle, new, or busy with its own. Undefined if it has to
   * wait.
   */
  take(group: number): TcpConnection | undefined;
  /** Keeps a connection that carries no question any more, or ends it. */
  rest(connection: TcpConnection): void;
  /** It is over. */
  drop(connection: TcpConnection): void;
  isOldest(connection: TcpConnection): boolean;
  /** A question of the group was answered: it may have more connections. */
  earn(group: number): void;
  /**
   * A question has run out of time: its group has few connections again, and what comes behind it may not be
   * answered either, unless the upstream answers side by side.
   */
  giveUp(asking: Asking, isParallel: boolean): void;
  close(): void;
}

export function createConnectionPool(options: ConnectionPoolOptions): ConnectionPool {
  const { manners } = options;
  /** In the order in which they were opened; and those of them that carry questions. */
  const opened = new Set<TcpConnection>();
  const busy = new Set<TcpConnection>();
  const idle = createIdleConnections();
  const places = createGroupPlaces();
  let isClosed = false;

  function open(): TcpConnection | undefined {
    try {
      const connection = openTcpConnection(options);
      opened.add(connection);
      return connection;
    } catch {
      return undefined; // No way, or no descriptor: the question waits, and fails with its time.
    }
  }

  function release(connection: TcpConnection): void {
    if (busy.delete(connection)) places.release(connection.group);
  }

  function rest(connection: TcpConnection): void {
    if (connection.waiting() > 0) return;
    release(connection);
    const isOfUse = !connection.isStuck && manners.servesSeveral() && !manners.isSingle() && !isClosed;
    if (!isOfUse || !idle.keep(connection)) connection.end();
  }

  return {
    take(group) {
      if (!places.mayTake(group, busy.size)) return leastBusy(busy, group, manners.depth());
      // One that has rested may be closing already, if the upstream closes after each answer.
      const connection = (manners.isSingle() ? undefined : idle.take()) ?? open();
      if (connection === undefined) return undefined;
      busy.add(connection);
      connection.group = group;
      places.take(group);
      return connection;
    },
    rest,
    drop(connection) {
      opened.delete(connection);
      idle.drop(connection);
      release(connection);
    },
    isOldest(connection) {
      const [oldest] = opened;
      return connection === oldest;
    },
    earn: places.earn,
    giveUp(asking, isParallel) {
      const connection = [...busy].find((one) => one.forget(asking));
      if (connection === undefined) return;
      connection.isStuck = !isParallel;
      places.lose(asking.group);
      rest(connection);
    },
    close() {
      isClosed = true;
      for (const connection of opened) connection.end();
    },
  };
}

/** Of the group's connections that may take one more question, the one with the fewest. */
function leastBusy(busy: Iterable<TcpConnection>, group: number, depth: number): TcpConnection | undefined {
  let best: TcpConnection | undefined;
  for (const one of busy) {
    if (one.group !== group || one.isStuck || one.waiting() >= depth) continue;
    if (best === undefined || one.waiting() < best.waiting()) best = one;
  }
  return best;
}
