import type { Socket } from "node:net";
import type { UnprovedBodies } from "./unproved-bodies.ts";

/**
 * Where a call came in: by the unix socket, whose file mode says who may; from this network namespace, as the
 * kernel has it; or from outside. Each has a server of its own, so none takes another's places.
 */
export type DoorKind = "unix" | "inside" | "outside";

export interface Door {
  readonly kind: DoorKind;
  readonly bodies: UnprovedBodies;
  /**
   * A connection whose caller is not proved may have to give way, the one first that did nothing for the
   * longest time.
   */
  readonly rest: (socket: Socket) => void;
  /** It keeps its place until its request is answered. */
  readonly work: (socket: Socket) => void;
}
