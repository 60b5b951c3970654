import type { Watch } from "../../sys/readiness.ts";
import { closeSocket } from "../../sys/socket.ts";

/** Sockets that have been replaced and listen for a while yet: answers may be on their way to them. */
export interface RetiredSockets {
  /** From now on its owner leaves it alone. Nothing happens if it is not open. */
  add(socket: { readonly fd: number; readonly watch: Watch }): void;
  count(): number;
  /** Closes all of them now. */
  close(): void;
}

/** `lingerMs` is how long each listens. */
export function createRetiredSockets(lingerMs: number): RetiredSockets {
  const ends = new Set<() => void>();
  return {
    add({ fd, watch }) {
      if (fd < 0) return;
      const end = (): void => {
        clearTimeout(timer);
        ends.delete(end);
        watch.close();
        closeSocket(fd);
      };
      const timer = setTimeout(end, lingerMs).unref();
      ends.add(end);
    },
    count: () => ends.size,
    close() {
      for (const end of ends) end();
    },
  };
}
