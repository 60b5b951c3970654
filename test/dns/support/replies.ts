/** What upstreams say to the queries of a {@link FakeNetwork}. */
import { at, type FakeNetwork } from "./fake-network.ts";
import { a, answerTo, nameOf, rcodeOf, type AnswerText } from "./messages.ts";

export const NAME = "one.example.org";

/** The upstream answers the query that was sent as number `index`. */
export function reply(net: FakeNetwork, index: number, answer: AnswerText): void {
  const to = at(net.sent, index);
  net.receive({ to, message: answerTo(to.message, answer) });
}
export const good = (to: { readonly message: Buffer }): Buffer =>
  answerTo(to.message, { answers: [a(nameOf(to.message), "198.51.100.1")] });
export const rcodes = (answers: readonly Buffer[]): readonly string[] => answers.map(rcodeOf);
export const upstreamsAsked = (net: FakeNetwork): readonly number[] =>
  net.sent.map(({ upstream }) => upstream);
