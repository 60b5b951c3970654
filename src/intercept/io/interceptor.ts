/**
 * Takes the flows that the kernel leads here. Those to a bound name go to the relay, those to another allowed
 * name pass unread, and the others are reset. `chains/intercept-chains.ts` of netfilter leads flows here.
 */
import { Socket } from "node:net";
import type { DomainName } from "../../policy/domain-name.ts";
import { type Destination, originalDestination } from "../../sys/original-destination.ts";
import type { FlowBounds } from "../flow-bounds.ts";
import type { FlowScheme } from "../flow-identity.ts";
import { openListener } from "./listener.ts";
import { createLiveFlows, type LiveFlow } from "./live-flows.ts";
import { refuseFlow, serveFlow, type ServeFlowOptions } from "./serve-flow.ts";
import { createTlsDoor, type FindLeaf } from "./tls-door.ts";

export interface InterceptorOptions extends ServeFlowOptions {
  /** The group of the sockets that listen. */
  readonly group: number | undefined;
  /** From 0 to `limit` - 1, at random. */
  readonly below: (limit: number) => number;
  readonly findLeaf: FindLeaf;
  readonly bounds: FlowBounds;
  /** Hears of a flow that had to go for want of room, or since its client wants too much. */
  readonly onShed: (flow: ShedFlow) => void;
  readonly onFault: (message: string, error: unknown) => void;
}

export interface ShedFlow {
  readonly name: DomainName | undefined;
  readonly destination: Destination;
  /** What it took of the memory that all have together. */
  readonly octets: number;
  /** A few words that follow on "for". */
  readonly reason: string;
}

export interface Interceptor {
  readonly port: number;
  /** Resets the flows of names that are no longer allowed. */
  policyChanged(): void;
  /** Resets unread flows to a name that is bound by now. */
  bindingsChanged(): void;
  /** Flows that are open. */
  flows(): number;
  /** Why nobody was accepted since the last call; call it once a second. */
  fault(): string | undefined;
  /** Accepts no more, and resets what is open. */
  close(): void;
}

/** Opens it in the current network namespace. Throws SystemCallError. */
export function openInterceptor(options: InterceptorOptions): Interceptor {
  const { bounds, onShed } = options;
  const live = createLiveFlows({
    bounds,
    onShed: (flow) => onShed({ ...flow, reason: "want of memory" }),
    nowMs: () => performance.now(),
  });
  const door = createTlsDoor(options.findLeaf);
  const isBound = (name: DomainName, port: number): boolean =>
    options.isBound(name, "https", port) || options.isBound(name, "http", port);
  const listener = openListener({ ...options, bufferOctets: bounds.kernelOctets, onConnection });

  function onConnection(fd: number): void {
    const destination = originalDestination(fd);
    const client = new Socket({ fd, allowHalfOpen: true });
    // "close" follows, which ends everything under way.
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
    const keeps = (octets: number): void => live.keep(flow, octets);
    const shed = (reason: string): void => onShed({ ...flow, reason });
    const arrived = { client, destination, onName, keeps, shed };
    serveFlow(arrived, door, options).catch((error: unknown) => {
      client.destroy();
      options.onFault("an intercepted flow failed", error);
    });
  }

  /**
   * The name decides about a flow that has shown one. A flow without one is chosen if it goes on and nothing
   * allows its address.
   */
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
          !options.isAllowed(name, destination, usualScheme(destination.port)) ||
          (isPassed && options.isRuled(name, destination)),
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

/** What is spoken at a port as a rule; a flow that is open has been judged by what it shows. */
function usualScheme(port: number): FlowScheme {
  return port === HTTP_PORT ? "http" : "https";
}

const HTTP_PORT = 80;
