/**
 * Connections whose name a change denies, while other names keep their address open: found before the change
 * is in force, and ended right after. One whose name is not known any more, see `name-labels.ts`, is ended by
 * a change that denies a name, as it may be that one. One that has shown no name goes with its address, and
 * with the rules that have let it pass unread.
 */
import { setImmediate as nextTurn } from "node:timers/promises";
import { begunMark } from "../../netfilter/flow-marks.ts";
import type { FlowTuple } from "../../netfilter/wire/conntrack.ts";
import type { LabelledFlow } from "../../netfilter/wire/conntrack.ts";
import type { CompiledPolicy } from "../../policy/compile.ts";
import { findDifferences, findRule } from "../../policy/rule-trie.ts";
import type { ShownName } from "../../wire-names/flow-state.ts";

/** No ruleset has it: what goes on under it is asked about, and is not known. */
const NO_GENERATION = 0;
/** Some hundred microseconds of flows that are ended before lookups get their turn. */
const FLOWS_PER_TURN = 16;

/** A flow's far end, and its tuples in both directions, which outlive what told of them. */
export interface FlowToEnd {
  readonly flow: FlowTuple;
  readonly reply: FlowTuple;
}

/** What a flow's label says: its name, and what it speaks where that was asked for. */
export type LabelledName = Pick<ShownName, "name" | "app">;

/** Whether a connection that has shown this is denied; undefined: it has shown no name, and nobody asks. */
export type IsDenied = (shown: LabelledName, flow: FlowTuple) => boolean | undefined;

export interface DeniedFlowsPorts {
  /** TCP flows that are verified, each once. Throws SystemCallError. */
  readonly readVerified: (onFlow: (flow: LabelledFlow) => void) => Promise<void>;
  /** Flows that are not verified and have shown what this denies. They are forgotten. */
  readonly takeShowing: (isDenied: IsDenied) => readonly FlowToEnd[];
  readonly shownBy: (flow: LabelledFlow) => LabelledName | undefined;
  readonly isDenied: (policy: CompiledPolicy, ...shown: Parameters<IsDenied>) => boolean | undefined;
  /** Whether a rule lets the flow pass whatever it says. */
  readonly isUnread: (policy: CompiledPolicy, flow: FlowTuple) => boolean;
  /** Ends it: the socket, and if there is none what goes on of it. */
  readonly end: (flow: FlowToEnd, mark: number) => void;
}

export interface DeniedFlows {
  /**
   * To be called while lookups and names are judged by `policy`, too. The result ends what was found, once
   * `policy` is in force.
   */
  find(policy: CompiledPolicy): Promise<() => Promise<void>>;
}

export function createDeniedFlows(ports: DeniedFlowsPorts): DeniedFlows {
  /** The one that flows were looked at for last. */
  let last: CompiledPolicy | undefined;

  async function find(
    before: CompiledPolicy | undefined,
    policy: CompiledPolicy,
  ): Promise<readonly FlowToEnd[]> {
    const isDenied: IsDenied = (...shown) => ports.isDenied(policy, ...shown);
    const isAnyDenied = before !== undefined && deniesNames(before, policy);
    // What is nameless went on unread, as nothing but a denied name was looked for, or nothing at all.
    const isNamelessDenied = ({ flow }: LabelledFlow): boolean =>
      before !== undefined &&
      (deniesByDefault(before, policy) || (ports.isUnread(before, flow) && !ports.isUnread(policy, flow)));
    // Ahead of the others: one that is verified meanwhile was known here then, and denied or not.
    const found: FlowToEnd[] = [...ports.takeShowing(isDenied)];
    await ports.readVerified((flow) => {
      const shown = ports.shownBy(flow);
      const isEnded =
        shown === undefined ? isAnyDenied : (isDenied(shown, flow.flow) ?? isNamelessDenied(flow));
      if (isEnded) found.push(copyOf(flow));
    });
    return found;
  }

  return {
    async find(policy) {
      const before = last;
      if (before === policy) return async () => undefined;
      const found = await find(before, policy);
      return async () => {
        last = policy;
        for (const [index, flow] of found.entries()) {
          ports.end(flow, begunMark(NO_GENERATION));
          if ((index + 1) % FLOWS_PER_TURN === 0) await nextTurn();
        }
      };
    },
  };
}

/** Whether a name may be denied that was not. */
export function deniesNames(before: CompiledPolicy, after: CompiledPolicy): boolean {
  if (deniesByDefault(before, after)) return true;
  if (hasOtherScopes(before, after)) return true;
  for (const target of findDifferences(before.rules.names, after.rules.names)) {
    const is = findRule(after.rules.names, target)?.action;
    if (is === "deny" || (is === undefined && findRule(before.rules.names, target)?.action === "allow"))
      return true;
  }
  return false;
}

function deniesByDefault(before: CompiledPolicy, after: CompiledPolicy): boolean {
  return before.fallback.action === "allow" && after.fallback.action === "deny";
}

function hasOtherScopes({ scoped: one }: CompiledPolicy, { scoped: other }: CompiledPolicy): boolean {
  return (
    one.length !== other.length ||
    one.some(({ id, rules }, at) => {
      const there = other[at];
      return id !== there?.id || rules.names !== there.rules.names;
    })
  );
}

function copyOf({ flow, reply }: LabelledFlow): FlowToEnd {
  return { flow: copyTuple(flow), reply: copyTuple(reply) };
}

function copyTuple({ source, destination, ...rest }: FlowTuple): FlowTuple {
  return { ...rest, source: Buffer.from(source), destination: Buffer.from(destination) };
}
