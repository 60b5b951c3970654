/**
 * Memory for the bodies of callers who have not proved who they are: a small budget for all that come in by one door. Where it is full, the
 * body that has not grown for the longest time goes, so that a newcomer who sends at once is served.
 */
export interface UnprovedBodies {
  /** Takes a body in. `shed` is called at most once, where others need its room: nothing of it may be kept then. */
  open(shed: () => void): UnprovedBody;
}

export interface UnprovedBody {
  /** It has just grown, and takes this much now. */
  grow(octets: number): void;
  /** It is gone, or its caller has been proved. */
  close(): void;
}

/** Four whole bodies; those of an honest caller are some hundred octets. */
const UNPROVED_OCTETS = 4 << 20;

export function createUnprovedBodies(limitOctets = UNPROVED_OCTETS): UnprovedBodies {
  /** The one that has not grown for the longest time first: a map keeps the order of adding. */
  const held = new Map<UnprovedBody, { readonly octets: number; readonly shed: () => void }>();
  let total = 0;
  function remove(body: UnprovedBody): void {
    total -= held.get(body)?.octets ?? 0;
    held.delete(body);
  }
  return {
    open(shed) {
      const body: UnprovedBody = {
        grow(octets) {
          if (!held.has(body)) return;
          remove(body);
          held.set(body, { octets, shed });
          total += octets;
          for (const [oldest, { shed: giveUp }] of held) {
            if (total <= limitOctets) break;
            remove(oldest);
            giveUp();
          }
        },
        close: () => remove(body),
      };
      held.set(body, { octets: 0, shed });
      return body;
    },
  };
}
