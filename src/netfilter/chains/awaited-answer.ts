/**
 * How the kernel judges by itself what a server says to a hello, so that nobody has to be woken for it.
 *
 *     stamp            at its head: a hello that the reader has let pass carries, as its priority, the number by
 *                      which the far end acknowledges all of it
 *     await_answer     puts flow, the server's next number and that one into the set `awaited`
 *     answer           at its head: a packet that begins with a ServerHello, and with no HelloRetryRequest
 *     hello_answered   its flow has shown an allowed name under this generation
 *     as_awaited       its numbers are in the set: the flow is verified
 *
 * What does not match is held for the reader, as without all of this. Only the reader's word counts: all
 * data of a pending flow passes it, and it takes every other priority off.
 *
 * The two chains that name the set are filled over netlink: nft(8) takes a priority and a packet's number for
 * different types.
 */
import { IS_SHOWN } from "../flow-marks.ts";
import type { Chain, NamedSet, Rule } from "../ruleset.ts";
import type { NamesInput, RulesetInput } from "../ruleset-input.ts";
import { HAS_DATA } from "./has-data.ts";

export const AWAIT_CHAIN = "await_answer";
export const AS_AWAITED_CHAIN = "as_awaited";
export const AWAITED_SET = "awaited";
/** The flow is verified. */
export const VERIFIED_CHAIN = "admit_verified";

/** A server that takes longer is read: the reader has to know of a flow for as long as it may be verified. */
export const AWAITED_SECONDS = 5;
/** Flows that the reader hands over at most at once. */
export const MAX_AWAITED = 4096;

/**
 * The first record holds a whole beginning of a ServerHello: type:1 version:2 length:2 of a record of a
 * handshake, type:1 length:3 version:2 random:32. Four octets of HelloRetryRequest's random are enough to
 * leave a packet to the reader.
 */
const IS_SERVER_HELLO = "@ih,0,8 22 @ih,24,16 >= 38 @ih,40,8 2 @ih,88,32 != 0xcf21ad74";

/** Goes ahead of what holds an answer. */
export const AWAITED_ANSWER: Rule = {
  statements: `${IS_SERVER_HELLO} jump hello_answered`,
  comment: "a ServerHello that is no HelloRetryRequest",
};

/** Goes ahead of what gives packets another priority. */
export function helloRules({ names }: Pick<RulesetInput, "names">): readonly Rule[] {
  if (names?.judgesAnswers !== true) return [];
  const hello = `meta priority != none ${IS_SHOWN} ct direction original meta l4proto tcp ${HAS_DATA}`;
  return [{ statements: `${hello} jump ${AWAIT_CHAIN}`, comment: "a hello that the reader has let pass" }];
}

export function awaitedChains({ judgesAnswers }: NamesInput): readonly Chain[] {
  if (!judgesAnswers) return [];
  return [AWAIT_CHAIN, AS_AWAITED_CHAIN].map((name) => ({ name, rules: [], isFilledElsewhere: true }));
}

/** An element is four octets of each: conntrack's id of the flow, the server's number, the client's. */
export function awaitedSets({ mode, names }: Pick<RulesetInput, "mode" | "names">): readonly NamedSet[] {
  if (mode === "dns" || names?.judgesAnswers !== true) return [];
  return [
    {
      name: AWAITED_SET,
      type: "mark . mark . mark",
      flag: "dynamic,timeout",
      timeoutSeconds: AWAITED_SECONDS,
      // What has been looked up counts until the kernel collects it, about once a second.
      size: 2 * MAX_AWAITED,
    },
  ];
}
