import type { TcpConnection } from "./tcp-connection.ts";

/** Few and not for long: an upstream has other clients, and some have a process for each connection. */
const MAX_IDLE = 4;
const IDLE_MS = 2000;

/** Connections that are kept for the next question. They do not keep the process alive. */
export interface IdleConnections {
  /** One that may be used again. */
  take(): TcpConnection | undefined;
  /** Whether it is kept: not if there are enough. */
  keep(connection: TcpConnection): boolean;
  /** It has ended. */
  drop(connection: TcpConnection): void;
}

export function createIdleConnections(): IdleConnections {
  /** With what ends them when no question comes. */
  const idle = new Map<TcpConnection, NodeJS.Timeout>();
  function drop(connection: TcpConnection): void {
    clearTimeout(idle.get(connection));
    idle.delete(connection);
  }
  return {
    take() {
      const [connection] = idle.keys();
      if (connection === undefined) return undefined;
      drop(connection);
      connection.hold(true);
      connection.answers = 0;
      return connection;
    },
    keep(connection) {
      if (idle.size >= MAX_IDLE) return false;
      connection.hold(false);
      idle.set(connection, setTimeout(() => connection.end(), IDLE_MS).unref());
      return true;
    },
    drop,
  };
}
