import type { Socket } from "node:net";
import type { ConnectUpstream, FlowIdentity } from "../../intercept/flow-identity.ts";
import type { Vault } from "../../vault/vault.ts";
import type { Admission } from "../admit.ts";
import type { Binding } from "../../vault/binding.ts";
import type { VaultInForce } from "../../vault/vault-in-force.ts";
import type { RequestRules } from "../../intercept/request-rules.ts";
import type { FindChange, RelayEvents } from "../ports.ts";
import type { LineRooms } from "./line-rooms.ts";
import type { SessionRooms } from "./session-rooms.ts";

export interface RelayOptions {
  /** The client's connection, without its TLS. It is closed when the relay is over. */
  readonly client: Socket;
  readonly flow: FlowIdentity;
  readonly vault: Vault;
  /** Asked when a request is to go out, not before. */
  readonly connectUpstream: ConnectUpstream;
  readonly tell: RelayEvents;
  /** Shared by all connections. */
  readonly rooms: SessionRooms;
  /** Shared as well. */
  readonly lineRooms: LineRooms;
  /** Told how many octets are kept for the connection, whenever that changes by much. */
  readonly keeps?: (octets: number) => void;
  /** Told why the connection is closed, if its client wants more than one may. */
  readonly shed?: (reason: string) => void;
  readonly rules?: RequestRules;
  readonly findChange?: FindChange;
}

/**
 * A connection without an octet in either direction for this long is closed, even in the middle of a message.
 */
export const IDLE_MS = 2 * 60 * 60_000;

/** How long a client may take for a head that it has begun. */
export const HEAD_MS = 60_000;

/**
 * Undefined if requests can be admitted. Settles once they can: the vault has changed, and what looks for its
 * secrets is being made.
 */
export function untilPrepared({ findChange, flow, vault }: RelayOptions): Promise<void> | undefined {
  const first = findChange?.prepare(flow.name, vault.inForce());
  if (findChange === undefined || first === undefined) return undefined;
  return (async () => {
    for (let made: Promise<void> | undefined = first; made !== undefined;) {
      await made;
      made = findChange.prepare(flow.name, vault.inForce());
    }
  })();
}

/** Whether something that the exchange's binding puts into it was deleted. */
export function usesGoneCredential(binding: Binding | undefined, after: VaultInForce): boolean {
  return binding !== undefined && !binding.credentialIds.every((id) => after.hasCredential(id));
}

export function tellInjected({ tell, flow }: RelayOptions, { request, binding, revision }: Admission): void {
  if (binding === undefined) return;
  const headers = binding.headers.map(({ name }) => name);
  tell.injected({ host: flow.name, method: request.method, binding: binding.name, revision, headers });
}
