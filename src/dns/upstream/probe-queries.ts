/** The queries of probes: sent, and found again by their answers. */
import type { DomainName } from "../../policy/domain-name.ts";
import type { Arena } from "../../sys/arena.ts";
import type { Region } from "../../sys/region.ts";
import { answersQuestionInOtherCase, isBareRefusal } from "../wire/answer.ts";
import { RrType } from "../wire/constants.ts";
import { encodeQuestion } from "../wire/question.ts";
import { upstreamQueryOctets, writeUpstreamQuery } from "../wire/upstream-query.ts";
import type { UpstreamTransport } from "./transport.ts";

export interface ProbeQueriesOptions {
  readonly arena: Arena;
  readonly region: Region;
  readonly transport: Pick<UpstreamTransport, "draw" | "reserve" | "send">;
  /** Asked for its A records; the root for its NS records. */
  readonly qname: DomainName;
}

export interface ProbeQueries {
  /** Leaves with the transport's next `flush`; none if no socket can be had. */
  ask(upstream: number): void;
  /** The upstream whose probe the datagram answers, which is over by that; undefined if it answers none. */
  answered(attempt: number, octets: Buffer, start: number, end: number): number | undefined;
  /** No answer counts any more. */
  clear(): void;
}

export function createProbeQueries({ arena, region, transport, qname }: ProbeQueriesOptions): ProbeQueries {
  const question = encodeQuestion(qname, qname === "" ? RrType.ns : RrType.a);
  const asked = { octets: arena.octets, at: region.take(question.length), length: question.length };
  question.copy(arena.octets, asked.at);
  /** Upstreams by attempt. */
  const attempts = new Map<number, number>();

  return {
    ask(upstream) {
      const attempt = transport.draw(upstream, (taken) => attempts.has(taken));
      if (attempt < 0) return;
      const at = transport.reserve(upstreamQueryOctets(question.length));
      const query = {
        id: attempt % 0x1_0000,
        authenticData: false,
        checkingDisabled: false,
        dnssecOk: false,
        edns: false,
      };
      const from = { octets: arena.octets, from: asked.at, length: asked.length };
      transport.send(at, writeUpstreamQuery(arena.octets, at, from, query, undefined));
      attempts.set(attempt, upstream);
    },
    answered(attempt, octets, start, end) {
      if (attempts.size === 0) return undefined;
      const upstream = attempts.get(attempt);
      if (upstream === undefined) return undefined;
      const isAnswer =
        answersQuestionInOtherCase(octets, start, end, asked) || isBareRefusal(octets, start, end);
      if (!isAnswer) return undefined;
      attempts.delete(attempt);
      return upstream;
    },
    clear: () => attempts.clear(),
  };
}
