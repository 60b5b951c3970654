/**
 * The rules of one kind of target, in a binary trie over the targets' bits (`target-bits.ts`), without places
 * at which nothing branches. All rules that match a name or an address lie on one way from the root, which
 * its bits choose. The rule with the lowest rank decides.
 *
 * A trie is a value. A change makes a new one, which shares everything with the old one except the way to the
 * changed rule; the old one stays as it was. So a change costs as much as the trie is deep, a failed one is
 * dropped, and comparing two tries costs only what differs.
 */
import type { RankedDecision } from "./decision.ts";
import type { RuleTarget } from "./target.ts";
import { bitOf, countBits, countCommonBits } from "./target-bits.ts";

/** Undefined if no rule stands here. */
export type RuleTrie = TrieNode | undefined;

export interface TrieNode {
  /** All targets below share this many bits; the next one chooses the branch. */
  readonly bits: number;
  /** The rule whose target has these bits and no more. */
  readonly own: RankedDecision | undefined;
  /** Whether any rule from here down allows. */
  readonly allows: boolean;
  /** The rule's target, or any target below: it knows the shared bits. */
  readonly sample: RuleTarget;
  readonly zero: RuleTrie;
  readonly one: RuleTrie;
}

/** A node that only the trie under construction has. */
interface FreshNode extends TrieNode {
  own: RankedDecision | undefined;
  allows: boolean;
  sample: RuleTarget;
  zero: RuleTrie;
  one: RuleTrie;
}

/** With the rule; of two with the same target it keeps the one of the lower rank. */
export function putRule(trie: RuleTrie, added: RankedDecision): TrieNode {
  return putBelow(trie, added, 0, copyNode);
}

/**
 * The same for a trie that nobody else holds yet: it is changed in place. No caller may do so once it has
 * handed the trie out.
 */
export function putRuleInPlace(trie: RuleTrie, added: RankedDecision): TrieNode {
  return putBelow(trie, added, 0, (node) => node);
}

/** Without the rule of this target. */
export function takeRule(trie: RuleTrie, target: RuleTarget): RuleTrie {
  const length = countBits(target);
  if (trie === undefined || length < trie.bits) return trie;
  if (length === trie.bits) {
    if (trie.own?.rule.target.key !== target.key) return trie;
    return joined(createNode(trie.bits, undefined, trie.sample, trie.zero, trie.one));
  }
  const side = bitOf(target, trie.bits) === 0 ? "zero" : "one";
  const child = takeRule(trie[side], target);
  if (child === trie[side]) return trie;
  const next = copyNode(trie);
  next[side] = child;
  next.allows = anyAllows(next.own, next.zero, next.one);
  return joined(next);
}

/** The rule with exactly this target. */
export function findRule(trie: RuleTrie, target: RuleTarget): RankedDecision | undefined {
  const length = countBits(target);
  let node = trie;
  while (node !== undefined && node.bits < length) {
    node = bitOf(target, node.bits) === 0 ? node.zero : node.one;
  }
  const own = node?.bits === length ? node.own : undefined;
  return own?.rule.target.key === target.key ? own : undefined;
}

/**
 * All rules that match whatever the target speaks of, in the order in which they decide. For a name: its rule
 * and those of the wildcards above it. For an address or a prefix: the prefixes that hold it. For a wildcard:
 * the rules that hold all below it.
 */
export function listMatches(trie: RuleTrie, target: RuleTarget): readonly RankedDecision[] {
  const length = countBits(target);
  const found: RankedDecision[] = [];
  for (let node = trie; node !== undefined && node.bits <= length;) {
    const { own, bits, sample } = node;
    // The search compares single bits, so a rule on its way may be another target's.
    if (own !== undefined && countCommonBits(sample, target, 0, bits) === bits) found.push(own);
    if (bits === length) break;
    node = bitOf(target, bits) === 0 ? node.zero : node.one;
  }
  return found.sort((one, other) => one.rank - other.rank);
}

/** All rules in the order of their targets' bits; a target comes before those that its bits begin. */
export function* listRules(trie: RuleTrie): Generator<RankedDecision, void, undefined> {
  const ahead: RuleTrie[] = [trie];
  while (ahead.length > 0) {
    const node = ahead.pop();
    if (node === undefined) continue;
    if (node.own !== undefined) yield node.own;
    ahead.push(node.one, node.zero);
  }
}

/**
 * Targets whose rules differ, also if only one trie has them; each comes right before those that its bits
 * begin. It does not look at what both share.
 */
export function* findDifferences(one: RuleTrie, other: RuleTrie): Generator<RuleTarget, void, undefined> {
  if (one === other) return;
  if (one === undefined || other === undefined) {
    yield* listTargets(one ?? other);
    return;
  }
  const limit = Math.min(one.bits, other.bits);
  if (countCommonBits(one.sample, other.sample, 0, limit) < limit) {
    yield* listTargets(one);
    yield* listTargets(other);
    return;
  }
  const [here, there] = [nodeAt(one, limit), nodeAt(other, limit)];
  const own = here.own === there.own ? undefined : (here.own ?? there.own);
  if (own !== undefined) yield own.rule.target;
  yield* findDifferences(here.zero, there.zero);
  yield* findDifferences(here.one, there.one);
}

/** The first `known` bits are known to be equal. `own` turns a node into one that may be changed. */
function putBelow(
  trie: RuleTrie,
  added: RankedDecision,
  known: number,
  own: (node: TrieNode) => FreshNode,
): TrieNode {
  const { target } = added.rule;
  const length = countBits(target);
  if (trie === undefined) return createNode(length, added, target, undefined, undefined);
  const common = countCommonBits(target, trie.sample, known, Math.min(length, trie.bits));
  if (common < trie.bits) return putAbove(trie, added, common);
  if (length === trie.bits && trie.own !== undefined && trie.own.rank < added.rank) return trie;
  const next = own(trie);
  if (length === trie.bits) {
    next.own = added;
    next.sample = target;
  } else if (bitOf(target, trie.bits) === 0) {
    next.zero = putBelow(trie.zero, added, common, own);
  } else {
    next.one = putBelow(trie.one, added, common, own);
  }
  next.allows = anyAllows(next.own, next.zero, next.one);
  return next;
}

/** The rule leaves the node's bits after `common` ones, or ends there. */
function putAbove(trie: TrieNode, added: RankedDecision, common: number): TrieNode {
  const { target } = added.rule;
  const length = countBits(target);
  const leaf = common === length ? undefined : createNode(length, added, target, undefined, undefined);
  const own = common === length ? added : undefined;
  const isZero = bitOf(trie.sample, common) === 0;
  return createNode(common, own, target, isZero ? trie : leaf, isZero ? leaf : trie);
}

/** The only place that makes nodes, so that V8 gives all of them one shape. */
function createNode(
  bits: number,
  own: RankedDecision | undefined,
  sample: RuleTarget,
  zero: RuleTrie,
  one: RuleTrie,
): FreshNode {
  return { bits, own, allows: anyAllows(own, zero, one), sample, zero, one };
}

function anyAllows(own: RankedDecision | undefined, zero: RuleTrie, one: RuleTrie): boolean {
  return own?.action === "allow" || zero?.allows === true || one?.allows === true;
}

function copyNode({ bits, own, sample, zero, one }: TrieNode): FreshNode {
  return createNode(bits, own, sample, zero, one);
}

/** A node without a rule and without branches is left out. */
function joined(node: TrieNode): RuleTrie {
  if (node.own !== undefined) return node;
  return node.zero === undefined || node.one === undefined ? (node.zero ?? node.one) : node;
}

/** The node as seen from `limit` bits on: if it has more, a node without a rule stands above it. */
function nodeAt(node: TrieNode, limit: number): TrieNode {
  if (node.bits === limit) return node;
  const isZero = bitOf(node.sample, limit) === 0;
  return createNode(limit, undefined, node.sample, isZero ? node : undefined, isZero ? undefined : node);
}

function* listTargets(trie: RuleTrie): Generator<RuleTarget, void, undefined> {
  for (const { rule } of listRules(trie)) yield rule.target;
}
