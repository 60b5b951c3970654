/**
 * What one part of a sandbox tells others. A part subscribes once it exists; the code that emits knows no
 * subscriber.
 */
import type { Spoken } from "../policy/app.ts";
import type { CompiledPolicy } from "../policy/compile.ts";
import type { Layer } from "../policy/decision.ts";
import type { DomainName } from "../policy/domain-name.ts";

/**
 * Subscribers get what is emitted after they came, in the order in which they came, before `emit`
 * returns.
 */
export interface Event<T> {
  emit(value: T): void;
  subscribe(listener: (value: T) => void): void;
}

/** A process of the workload has tried to open a flow, and the kernel has refused it, or would have. */
export interface ConnectionRefused {
  /** Of the far end: 4 octets, or 16. They hold during the call. */
  readonly address: Uint8Array;
  /** Undefined if the protocol has none. */
  readonly port: number | undefined;
  /** As IANA numbers them: 6 is TCP. */
  readonly protocol: number;
  /** Names that gave the address, the latest first; none if that is not known. */
  readonly names: readonly string[];
  /** It was let through, since audit mode is on. */
  readonly isAudited: boolean;
}

/**
 * A connection has shown a name that is not allowed, or has shown one in a way that is not taken. Octets hold
 * during the call.
 */
export interface NameRefused {
  /** Undefined if it has shown none. */
  readonly name: string | undefined;
  /** What it speaks, as far as that was looked for. */
  readonly app?: Spoken | undefined;
  /** For people. */
  readonly reason: string;
  /** Of the far end. */
  readonly address: Uint8Array;
  readonly port: number;
  /** It was let through, since audit mode is on. */
  readonly isAudited: boolean;
}

/** A rule has refused a request over a connection that it allows. Octets hold during the call. */
export interface RequestRefused {
  readonly name: DomainName;
  /** As the client has sent it: a token. */
  readonly method: string;
  /** Of the far end. */
  readonly address: Uint8Array;
  readonly port: number;
  readonly layer: Layer;
  /** What the rule speaks of; undefined for the default action. */
  readonly rule: string | undefined;
  /** It was let through, since audit mode is on. */
  readonly isAudited: boolean;
}

export interface SandboxEvents {
  /** Interfaces, addresses or routes have changed. */
  readonly networkChanged: Event<void>;
  /** Addresses are withheld from answers that were not before: cached answers may hold one. */
  readonly addressesWithheld: Event<void>;
  /** The kernel has taken a policy. So many learned addresses have gone for it. */
  readonly policyEnforced: Event<{ readonly forgotten: number }>;
  /** A policy has taken another's place in kernel, file and memory. */
  readonly policyReplaced: Event<{ readonly before: CompiledPolicy; readonly after: CompiledPolicy }>;
  /** At most some hundred a second, whatever is refused; the kernel counts all of them. */
  readonly connectionRefused: Event<ConnectionRefused>;
  /** At most some hundred a second; all are counted. */
  readonly nameRefused: Event<NameRefused>;
  /** The same of requests. */
  readonly requestRefused: Event<RequestRefused>;
}

export function createSandboxEvents(): SandboxEvents {
  return {
    networkChanged: createEvent(),
    addressesWithheld: createEvent(),
    policyEnforced: createEvent(),
    policyReplaced: createEvent(),
    connectionRefused: createEvent(),
    nameRefused: createEvent(),
    requestRefused: createEvent(),
  };
}

function createEvent<T>(): Event<T> {
  const listeners: ((value: T) => void)[] = [];
  return {
    emit(value) {
      for (const listener of listeners) listener(value);
    },
    subscribe(listener) {
      listeners.push(listener);
    },
  };
}
