/**
 * Takes the flows that the kernel leads here: those to a bound name go to the relay, those to another name
 * that is allowed are passed on unread, and the others are reset. How flows come here is in
 * `chains/intercept-chains.ts` of netfilter.
 */
import { Socket } from "node:net";
import type { DomainName } from "../../policy/domain-name.ts";
import { originalDestination } from "../../sys/original-destination.ts";
import { openListener } from "./listener.ts";
import { createLiveFlows, type LiveFlow } from "./live-flows.ts";
import { refuseFlow, serveFlow, type ServeFlowOptions } from "./serve-flow.ts";
import { createTlsDoor, type FindLeaf } from "./tls-door.ts";

export interface InterceptorOptions extends ServeFlowOptions {
  /** Of the sockets that listen. */
  readonly group: number | undefined;
  /** From 0 to `limit` - 1, at random. */
  readonly below: (limit: number) => number;
  readonly findLeaf: FindLeaf;
  readonly onFault: (message: string, error: unknown) => void;
}

export interface Interceptor {
  readonly port: number;
  /** Resets the flows of names that are allowed no longer. */
  policyChanged(): void;
  /** Resets what goes on unread to a name that is bound by now. */
  bindingsChanged(): void;
  /** Flows that are open. */
  flows(): number;
  /** Why nobody was taken since the last look; to be asked about once a second. */
  fault(): string | undefined;
  /** Takes no more, and resets what is open. */
  close(): void;
}

/** Opens it in the current network namespace. Throws SystemCallError. */
export function openInterceptor(options: InterceptorOptions): Interceptor {
  const live = createLiveFlows();
  const door = createTlsDoor(options.findLeaf);
  const isBound = (name: DomainName, port: number): boolean =>
    options.isBound(name, "https", port) || options.isBound(name, "http", port);
  const listener = openListener({ ...options, onConnection });

  function onConnection(fd: number): void {
    const destination = originalDestination(fd);
    const client = new Socket({ fd, allowHalfOpen: true });
    // "close" follows, which ends all that is under way.
    client.on("error", () => undefined);
    // Conntrack has forgotten it, or it was never redirected, which the kernel refuses.
    if (destination === undefined || destination.port === listener.port) {
      client.resetAndDestroy();
      return;
    }
    const flow = live.add(client, destination);
    if (flow === undefined) {
      const reason = "too many intercepted connections";
      refuseFlow({ client, destination }, { why: "crowded", name: undefined, reason }, options);
      return;
    }
    const onName = (name: DomainName | undefined, isPassed: boolean): void =>
      live.settle(flow, name, isPassed);
    const arrived = { client, destination, onName };
    serveFlow(arrived, door, options).catch((error: unknown) => {
      client.destroy();
      options.onFault("an intercepted flow failed", error);
    });
  }

  /** A flow with a name is chosen by it; one without, if it goes on and nothing allows its address. */
  function resetOver(isOver: (name: DomainName, flow: LiveFlow) => boolean): void {
    live.resetWhere((flow) =>
      flow.name === undefined
        ? flow.isPassed && options.byAddress?.(flow.destination) === undefined
        : isOver(flow.name, flow),
    );
  }

  return {
    port: listener.port,
    policyChanged: () =>
      resetOver(
        (name, { destination, isPassed }) =>
          !options.isAllowed(name, destination) || (isPassed && options.isRuled(name, destination)),
      ),
    bindingsChanged: () =>
      resetOver((name, { destination, isPassed }) => isPassed && isBound(name, destination.port)),
    flows: live.size,
    fault: listener.fault,
    close() {
      listener.close();
      live.resetWhere(() => true);
    },
  };
}
