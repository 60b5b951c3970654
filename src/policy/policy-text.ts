/**
 * A policy as JSON in octets, and its entity tag; both cost only as much as changed since the last text.
 *
 * The rules are cut into blocks, each with its octets and its hash, and the tag is the hash of the blocks'
 * hashes. Where a block ends depends only on the rules in it, so the tag is a function of the policy. Equal
 * policies have equal tags, however they came about. A block whose rules are the very same values as before
 * is reused.
 */
import { hash } from "node:crypto";
import type { Policy } from "./policy.ts";
import { type Action, renderRule, type Rule } from "./rule.ts";
import { type Steps, runToEnd } from "./steps.ts";

export interface PolicyText {
  /**
   * Strong, quotes included (RFC 9110 section 8.8.3): two tags are equal exactly if order, spelling, actions
   * and default are.
   */
  readonly etag: () => string;
  /** The JSON of `renderPolicy`, in pieces. */
  readonly octets: readonly Uint8Array[];
  readonly blocks: readonly RuleBlock[];
}

export interface RuleBlock {
  readonly rules: readonly Rule[];
  /** The keys of their targets. */
  readonly targets: ReadonlySet<string>;
  /** Rules as JSON, joined by commas. */
  readonly octets: Uint8Array;
  readonly digest: () => string;
}

/** A block ends behind a rule whose target's hash says so, one rule in 128; or at this many rules. */
const BLOCK_RULES_MAX = 1024;
const END_MASK = 127;

/**
 * The text of a policy, a step for each block. `before` is any other policy's text; that of the policy it was
 * made from saves most.
 */
export function* textSteps({ egress, defaultAction }: Policy, before?: PolicyText): Steps<PolicyText> {
  const known = new Map(before?.blocks.map((block) => [block.rules[0], block]));
  const blocks: RuleBlock[] = [];
  for (let at = 0; at < egress.length;) {
    const block = reuse(known.get(egress[at]), egress, at) ?? renderBlock(egress, at);
    blocks.push(block);
    at += block.rules.length;
    // What takes long is done now, in steps. Else a start would load Node's crypto module, for a tag that
    // nobody asks for.
    if (egress.length > BLOCK_RULES_MAX) block.digest();
    yield;
  }
  const etag = madeOnce(() => {
    const digests = [defaultAction, ...blocks.map(({ digest }) => digest())].join("\n");
    return `"${hash("sha256", digests, "base64url")}"`;
  });
  return { etag, octets: joinBlocks(blocks, defaultAction), blocks };
}

/** The text in one go. */
export function renderPolicyText(policy: Policy): PolicyText {
  return runToEnd(textSteps(policy));
}

/** The block, if the very same rules stand from there on, and it would end at the same place. */
function reuse(block: RuleBlock | undefined, egress: readonly Rule[], at: number): RuleBlock | undefined {
  if (block === undefined) return undefined;
  const { rules } = block;
  const last = rules.at(-1);
  const isWhole =
    at + rules.length === egress.length ||
    rules.length === BLOCK_RULES_MAX ||
    (last !== undefined && endsBlock(last));
  return isWhole && rules.every((rule, index) => rule === egress[at + index]) ? block : undefined;
}

function renderBlock(egress: readonly Rule[], at: number): RuleBlock {
  const rules: Rule[] = [];
  for (const rule of egress.slice(at, at + BLOCK_RULES_MAX)) {
    rules.push(rule);
    if (endsBlock(rule)) break;
  }
  const texts = rules.map((rule) => JSON.stringify(renderRule(rule)));
  const octets = Buffer.from(texts.join(","));
  const targets = new Set(rules.map(({ target }) => target.key));
  return { rules, targets, octets, digest: madeOnce(() => hash("sha256", octets, "base64url")) };
}

/** Made when it is first asked for. */
function madeOnce(make: () => string): () => string {
  let made: string | undefined;
  return () => (made ??= make());
}

/** FNV-1a over the octets. */
function endsBlock({ target: { text } }: Rule): boolean {
  let sum = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) {
    sum = Math.imul(sum ^ text.charCodeAt(index), 0x01000193);
  }
  return ((sum ^ (sum >>> 16)) & END_MASK) === 0;
}

function joinBlocks(blocks: readonly RuleBlock[], defaultAction: Action): readonly Uint8Array[] {
  const joined = blocks.flatMap(({ octets }, index) => (index === 0 ? [octets] : [COMMA, octets]));
  return [BEGINNING, ...joined, Buffer.from(`],"defaultAction":"${defaultAction}"}`)];
}

const BEGINNING = Buffer.from('{"egress":[');
const COMMA = Buffer.from(",");
