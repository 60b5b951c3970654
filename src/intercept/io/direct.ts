import type { Socket } from "node:net";
import { connectMarked } from "../../outbound/io/connect.ts";
import type { SocketMark } from "../../sys/socket.ts";
import { UpstreamError } from "../errors.ts";
import type { UpstreamTarget } from "../flow-identity.ts";

/**
 * Connects to where the client wanted to go. The mark only spares our connection the redirect: the policy
 * judges it like the workload's own.
 */
export function connectDirectly(
  mark: SocketMark,
): (target: Pick<UpstreamTarget, "destination">, signal: AbortSignal) => Promise<Socket> {
  return async ({ destination }, signal) => {
    try {
      return await connectMarked(destination, mark, signal);
    } catch (cause) {
      const { address, port } = destination;
      const said = cause instanceof Error ? cause.message : String(cause);
      throw new UpstreamError("not-connected", `no connection to ${address} port ${port}: ${said}`, {
        cause,
      });
    }
  };
}
