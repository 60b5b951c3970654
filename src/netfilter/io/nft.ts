/**
 * Puts rulesets into the kernel. Through nft(8) it takes about 15 ms for a small policy and half a second for
 * 100,000 prefixes. If nft(8) has loaded the one before and little has changed, it goes over netlink in a
 * fraction of a millisecond.
 */
import { NetlinkError } from "../../netlink/errors.ts";
import { SystemCallError } from "../../sys/errors.ts";
import { KernelError } from "../errors.ts";
import {
  type KernelState,
  renderDeclaration,
  renderPieces,
  renderTeardown,
  stateAfter,
} from "../render-nft.ts";
import { findDelta } from "../ruleset-delta.ts";
import type { NamedSet, Ruleset } from "../ruleset.ts";
import type { DeltaSocket } from "./delta-socket.ts";
import { AT_START, readKernelState } from "./inspect.ts";
import { createKernelLacks, type UnguardedInterface } from "./kernel-lacks.ts";
import { runTool, type Tool, type ToolRun } from "./run-tool.ts";

/**
 * The kernel's side. One call of `replace` is one nftables transaction: all of it or nothing; the same
 * ruleset may be sent again.
 */
export interface RulesetApplier {
  /** Throws KernelError, and leaves the earlier ruleset in force. One call at a time. */
  replace(ruleset: Ruleset, signal?: AbortSignal): Promise<AppliedRuleset>;
  /** Makes those sets of our table that are missing, in a transaction of its own. Throws KernelError. */
  declare(sets: readonly NamedSet[]): Promise<void>;
  /** Removes everything that is ours, and nothing else. Throws KernelError. */
  teardown(): Promise<void>;
}

export interface AppliedRuleset {
  /** nft(8) has loaded all of it: chains that are filled over netlink may be empty. */
  readonly isWhole: boolean;
  /** The kernel did not hold what this process had left there: sets may have lost elements. */
  readonly foundDrift: boolean;
  /**
   * Raw frames leave by these interfaces; the rest of the ruleset is in force. None in mode `dns`, which
   * guards nothing.
   */
  readonly unguarded: readonly UnguardedInterface[];
}

type Loaded = Pick<AppliedRuleset, "isWhole" | "foundDrift">;

export interface NftOptions {
  readonly nft?: Tool;
  readonly timeoutMs?: number;
  /** For small changes; without it nft(8) does everything. */
  readonly deltas?: DeltaSocket;
  /** What of ours the kernel holds, if the caller knows it; otherwise nft(8) is asked first. */
  readonly present?: KernelState | undefined;
}

export function createNftApplier({
  nft = ["nft"],
  timeoutMs,
  deltas,
  present: known,
}: NftOptions = {}): RulesetApplier {
  /** Remembered, as a flood of learned addresses can hold up reading it back. */
  let present = known;
  let last: Ruleset | undefined;
  let hasLoaded = false;

  const lacks = createKernelLacks((text, signal) => refusalOf(load([text], signal, ["-c"])));

  function load(text: Iterable<string>, signal?: AbortSignal, args: readonly string[] = []): Promise<string> {
    const run: ToolRun = { input: text, signal, ...(timeoutMs === undefined ? {} : { timeoutMs }) };
    return runTool(nft, [...args, "-f", "-"], run);
  }

  async function apply(ruleset: Ruleset, signal?: AbortSignal): Promise<Loaded> {
    const before = ruleset.over === undefined ? last : undefined;
    last = undefined;
    const outcome = before === undefined ? "more" : changeLittle(deltas, before, ruleset);
    if (outcome !== "done") await loadWhole(ruleset, signal);
    last = ruleset;
    return { isWhole: outcome !== "done", foundDrift: outcome === "refused" };
  }

  async function loadWhole(ruleset: Ruleset, signal?: AbortSignal): Promise<void> {
    const remembered = ruleset.over === undefined ? present : undefined;
    present = undefined;
    if (remembered === undefined || !(await loadOver(remembered, ruleset, signal))) {
      await load(renderPieces(ruleset, await readState(signal)), signal);
    }
    hasLoaded = true;
    present = stateAfter(ruleset);
  }

  function readState(signal?: AbortSignal): Promise<KernelState> {
    return readKernelState(nft, hasLoaded ? { signal } : { signal, ...AT_START });
  }

  /**
   * False if the kernel refuses it: what we remember may be out of date (before Linux 6.16 chains go with
   * their interface).
   */
  async function loadOver(state: KernelState, ruleset: Ruleset, signal?: AbortSignal): Promise<boolean> {
    return (await refusalOf(load(renderPieces(ruleset, state), signal))) === undefined;
  }

  return {
    async replace(ruleset, signal) {
      for (;;) {
        const wanted = lacks.without(ruleset);
        try {
          const loaded = await apply(wanted, signal);
          return { ...loaded, unguarded: lacks.unguardedOf(ruleset) };
        } catch (error) {
          if (!isRefusal(error) || !(await lacks.learn(wanted, signal))) throw error;
        }
      }
    },
    async declare(sets) {
      await load([renderDeclaration(sets)]);
    },
    async teardown() {
      present = undefined;
      last = undefined;
      await load([renderTeardown(await readKernelState(nft, AT_START))]);
    },
  };
}

/** `more`: the change is too large for netlink. */
function changeLittle(
  deltas: DeltaSocket | undefined,
  before: Ruleset,
  ruleset: Ruleset,
): "done" | "more" | "refused" {
  const delta = deltas && findDelta(before, ruleset);
  if (deltas === undefined || delta === undefined) return "more";
  try {
    deltas.apply(delta);
    return "done";
  } catch (error) {
    if (error instanceof NetlinkError || error instanceof SystemCallError) return "refused";
    throw error;
  }
}

/** Undefined if the kernel has taken it; all but a refusal is thrown. */
async function refusalOf(loading: Promise<unknown>): Promise<KernelError | undefined> {
  try {
    await loading;
    return undefined;
  } catch (error) {
    if (isRefusal(error)) return error;
    throw error;
  }
}

function isRefusal(error: unknown): error is KernelError {
  return error instanceof KernelError && error.code === "refused";
}
