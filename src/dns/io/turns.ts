/** What waits, by group: groups take turns, and in each the oldest goes first. */
export interface Turns<T> {
  add(group: number, item: T): void;
  remove(group: number, item: T): void;
  /**
   * Offers the oldest of each group in turn, and takes out what is accepted, until every group has had its
   * oldest refused.
   */
  drain(accepts: (item: T, group: number) => boolean): void;
  size(): number;
}

export function createTurns<T>(): Turns<T> {
  /** The group whose turn it is comes first. */
  const queues = new Map<number, Set<T>>();

  function remove(group: number, item: T): void {
    const queue = queues.get(group);
    if (queue?.delete(item) === true && queue.size === 0) queues.delete(group);
  }

  /** The oldest of the group whose turn it is, which then is the last. */
  function next(): [number, T] | undefined {
    for (const [group, queue] of queues) {
      queues.delete(group);
      queues.set(group, queue);
      for (const item of queue) return [group, item];
    }
    return undefined;
  }

  return {
    add(group, item) {
      const queue = queues.get(group);
      if (queue === undefined) queues.set(group, new Set([item]));
      else queue.add(item);
    },
    remove,
    drain(accepts) {
      for (let refused = 0; refused < queues.size;) {
        const found = next();
        if (found === undefined) return;
        const [group, item] = found;
        if (accepts(item, group)) {
          remove(group, item);
          refused = 0;
        } else {
          refused += 1;
        }
      }
    },
    size: () => [...queues.values()].reduce((sum, queue) => sum + queue.size, 0),
  };
}
