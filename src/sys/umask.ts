/** For files that others have to read, and only the owner writes, whatever the caller's shell has set. */
export const READABLE_BY_ALL = 0o022;

/**
 * Makes files with the mask. It is the process's own, so nothing asynchronous may be in `act`. Throws what
 * `act` throws.
 */
export function withUmask<T>(mask: number, act: () => T): T {
  const before = process.umask(mask);
  try {
    return act();
  } finally {
    process.umask(before);
  }
}
