/**
 * How much sessions of HTTP/2 may hold of what one side has sent and the other has not taken. A client that
 * opens thousands and reads nothing must not fill the memory. So each session gets a part of what is left of
 * one budget: few sessions have large windows, and each of many a small one. Nobody is refused.
 */

/** Of one session. */
export interface SessionRoom {
  /** The window of a session to either side (RFC 9113 section 5.2), in octets. */
  readonly windowOctets: number;
  /** How many streams a client may have open. */
  readonly maxStreams: number;
  /** Once the session is over; later calls do nothing. */
  release(): void;
}

export interface SessionRooms {
  take(): SessionRoom;
}

const BUDGET_OCTETS = 256 << 20;
const LARGEST_OCTETS = 16 << 20;
/** RFC 9113's own for a new session. */
const SMALLEST_OCTETS = 65_535;
/** A newcomer may have this part of what is left; it has two sides. */
const PART = 16;
const SIDES = 2;
/** A stream has buffers, too: this many for a session's window. */
const OCTETS_A_STREAM = 16 << 10;
const FEWEST_STREAMS = 32;
const MOST_STREAMS = 256;

export function createSessionRooms(budgetOctets: number = BUDGET_OCTETS): SessionRooms {
  let left = budgetOctets;
  return {
    take() {
      const windowOctets = within(SMALLEST_OCTETS, Math.floor(left / PART), LARGEST_OCTETS);
      // A session of the smallest size takes nothing from the budget: the budget would never be enough
      // otherwise.
      let taken = left / PART < SMALLEST_OCTETS ? 0 : SIDES * windowOctets;
      left -= taken;
      return {
        windowOctets,
        maxStreams: within(FEWEST_STREAMS, Math.floor(windowOctets / OCTETS_A_STREAM), MOST_STREAMS),
        release() {
          left += taken;
          taken = 0;
        },
      };
    },
  };
}

function within(least: number, value: number, most: number): number {
  return Math.min(most, Math.max(least, value));
}
