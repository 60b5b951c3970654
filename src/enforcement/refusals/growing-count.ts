export interface GrowingCount {
  /** The sum, once the counter has been read as this; undefined: there is no counter. */
  take(read: number | undefined): number;
}

/**
 * The sum of a counter that somebody else may set to 0, or take away with the table that it is in: it never
 * falls.
 */
export function createGrowingCount(): GrowingCount {
  let earlier = 0;
  let last = 0;
  return {
    take(read = 0) {
      if (read < last) earlier += last;
      last = read;
      return earlier + last;
    },
  };
}
