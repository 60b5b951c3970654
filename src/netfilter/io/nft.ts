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
import {
  guardedDevices,
  hasGuard,
  hasLog,
  hasTimeouts,
  type NamedSet,
  type Ruleset,
  withoutGuard,
  withoutLog,
  withoutTimeouts,
} from "../ruleset.ts";
import type { DeltaSocket } from "./delta-socket.ts";
import { AT_START, readKernelState } from "./inspect.ts";
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

export interface UnguardedInterface {
  readonly name: string;
  /** For people. */
  readonly reason: string;
}

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
  /**
   * Why the kernel has no egress hook, no timeouts of flows, no log; `undefined` as long as we do not know
   * that it lacks them.
   */
  const lacks: Partial<Record<"guard" | "timeouts" | "log", string | undefined>> = {};
  /** Remembered, as a flood of learned addresses can hold up reading it back. */
  let present = known;
  let last: Ruleset | undefined;
  let hasLoaded = false;

  function load(text: Iterable<string>, signal?: AbortSignal, args: readonly string[] = []): Promise<string> {
    const run: ToolRun = { input: text, signal, ...(timeoutMs === undefined ? {} : { timeoutMs }) };
    return runTool(nft, [...args, "-f", "-"], run);
  }

  async function apply(ruleset: Ruleset, signal?: AbortSignal): Promise<Loaded> {
    const before = ruleset.over === undefined ? last : undefined;
    last = undefined;
    const outcome = before === undefined ? "more" : changeLittle(before, ruleset);
    if (outcome !== "done") await loadWhole(ruleset, signal);
    last = ruleset;
    return { isWhole: outcome !== "done", foundDrift: outcome === "refused" };
  }

  /** `more`: the change is too large. */
  function changeLittle(before: Ruleset, ruleset: Ruleset): "done" | "more" | "refused" {
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
    try {
      await load(renderPieces(ruleset, state), signal);
      return true;
    } catch (error) {
      if (isRefusal(error)) return false;
      throw error;
    }
  }

  /** Why the kernel refuses a probe's content; `undefined` if it does not. */
  async function findLack(probe: string, signal?: AbortSignal): Promise<string | undefined> {
    try {
      await load([probe], signal, ["-c"]);
      return undefined;
    } catch (error) {
      if (isRefusal(error)) return error.detail;
      throw error;
    }
  }

  /** Whether the kernel turns out to lack something that the refused ruleset has. */
  async function learnLack(refused: Ruleset, signal?: AbortSignal): Promise<boolean> {
    if (hasGuard(refused)) lacks.guard = await findLack(GUARD_PROBE, signal);
    if (lacks.guard !== undefined && hasGuard(refused)) return true;
    if (hasTimeouts(refused)) lacks.timeouts = await findLack(TIMEOUT_PROBE, signal);
    if (lacks.timeouts !== undefined && hasTimeouts(refused)) return true;
    if (!hasLog(refused)) return false;
    lacks.log = await findLack(LOG_PROBE, signal);
    return lacks.log !== undefined;
  }

  function withoutLacking(ruleset: Ruleset): Ruleset {
    const guarded = lacks.guard === undefined ? ruleset : withoutGuard(ruleset);
    const timed = lacks.timeouts === undefined ? guarded : withoutTimeouts(guarded);
    return lacks.log === undefined ? timed : withoutLog(timed);
  }

  function describeApplied(ruleset: Ruleset, loaded: Loaded): AppliedRuleset {
    if (lacks.guard === undefined || !hasGuard(ruleset)) {
      return { ...loaded, unguarded: ruleset.unguarded.map(describeUnnameable) };
    }
    const reason = `the kernel has no netdev egress hook: ${lacks.guard}`;
    const names = [...guardedDevices(ruleset), ...ruleset.unguarded];
    return { ...loaded, unguarded: names.map((name) => ({ name, reason })) };
  }

  return {
    async replace(ruleset, signal) {
      for (;;) {
        const wanted = withoutLacking(ruleset);
        try {
          return describeApplied(ruleset, await apply(wanted, signal));
        } catch (error) {
          if (!isRefusal(error) || !(await learnLack(wanted, signal))) throw error;
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

/** Only checked, never put in force. On `lo`, which is always there. */
const GUARD_PROBE = `table arp opensandbox_probe {
  chain output { type filter hook output priority 0; policy accept; }
}
table netdev opensandbox_probe {
  chain egress { type filter hook egress device "lo" priority 0; policy accept; }
}
`;

/** Only checked, like the other. */
const TIMEOUT_PROBE = `table inet opensandbox_probe {
  ct timeout probe { protocol tcp; l3proto ip; policy = { close_wait : 3600 }; }
}
`;

/** Only checked, too. */
const LOG_PROBE = `table inet opensandbox_probe {
  chain probe { log group 1 snaplen 64; }
}
`;

function describeUnnameable(name: string): UnguardedInterface {
  return { name, reason: "nft cannot be told its name" };
}

function isRefusal(error: unknown): error is KernelError {
  return error instanceof KernelError && error.code === "refused";
}
