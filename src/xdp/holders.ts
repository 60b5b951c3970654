/** A process that keeps queues of one interface held. */
export interface Holder {
  readonly interfaceIndex: number;
  readonly queues: readonly number[];
  isAlive(): boolean;
  end(): void;
}

/** The processes that keep queues held beside this one, as far as they live. */
export interface Holders {
  add(holder: Holder): void;
  /** Whether one of them keeps the queue of the interface. */
  keeps(interfaceIndex: number, queue: number): boolean;
  /** Ends those of the interface: what they kept of it is void. */
  endOf(interfaceIndex: number): void;
  /** Ends those of interfaces that are gone, and forgets those that have ended. */
  dropGone(isThere: (interfaceIndex: number) => boolean): void;
}

export function createHolders(earlier: readonly Holder[]): Holders {
  let holders = earlier;

  function endOf(index: number): void {
    for (const holder of holders) if (holder.interfaceIndex === index) holder.end();
    holders = holders.filter(({ interfaceIndex }) => interfaceIndex !== index);
  }

  return {
    endOf,
    add(holder) {
      holders = [...holders, holder];
    },
    keeps: (index, queue) =>
      holders.some(({ interfaceIndex, queues }) => interfaceIndex === index && queues.includes(queue)),
    dropGone(isThere) {
      for (const { interfaceIndex } of holders) if (!isThere(interfaceIndex)) endOf(interfaceIndex);
      holders = holders.filter((holder) => holder.isAlive());
    },
  };
}
