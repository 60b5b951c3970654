/** What every experiment is given. */
import type { Argv } from "../../src/netns/command.ts";
import type { BenchNetwork } from "./network.ts";
import type { Processors } from "./processors.ts";

export interface Bench {
  readonly network: BenchNetwork;
  readonly processors: Processors;
  /** For files of this run; removed afterwards. */
  readonly folder: string;
  /** How ours is started where a row does not say otherwise. */
  readonly program: Argv;
  /** Length of one run of one server. */
  readonly seconds: number;
  readonly rounds: number;
  readonly soakSeconds: number;
  readonly crowd: number;
  /** The bundle of another checkout, to be started beside this one's. */
  readonly beside: string | undefined;
  /** The first of so many numbers that nobody has had before. */
  readonly takeNumbers: (count: number) => number;
}
