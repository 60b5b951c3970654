/** What a worker is to do. `progress` is shared: the seed of the case at hand, and how many have begun. */
export interface Task {
  readonly name: string;
  readonly seed: number;
  readonly minutes: number;
  readonly progress: Uint32Array;
}
