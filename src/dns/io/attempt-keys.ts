/**
 * Numbers for queries that have left over UDP, from the socket that each left by and its id:
 *
 *     serial:15 id:16      31 bits, for V8 makes an object of each larger number
 *
 * A socket gets another serial each time that it is opened anew, and the first one again after {@link
 * OPENINGS} times.
 */
const ID_BITS = 16;
const SERIALS = 0x8000;
/** Sockets of all upstreams. */
export const PLACES = 128;
/**
 * How often a socket is opened before one of its serials comes again: none of those before may still listen
 * then.
 */
export const OPENINGS = SERIALS / PLACES;

/** The serial of the socket at that place once it has been opened so often. */
export function serialOf(place: number, openings: number): number {
  return (openings % OPENINGS) * PLACES + place;
}

export function attemptKey(serial: number, id: number): number {
  return (serial << ID_BITS) | id;
}
