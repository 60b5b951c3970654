/** The calls that tell of decisions. */
import type { Client } from "openapi-fetch";
import type { paths } from "./api-types.ts";
import type { DecisionCalls, DecisionFilter } from "./decision-types.ts";
import { followDecisions } from "./follow-decisions.ts";
import { checkKeys } from "./known-keys.ts";
import { ACCEPT, readAnswer } from "./read-answer.ts";
import { DECISIONS } from "./shape.ts";
import type { Transport } from "./transport.ts";

export function createDecisionCalls(api: Client<paths>, transport: Transport): DecisionCalls {
  const read = readAnswer(transport);
  return {
    async getDecisions(page = {}) {
      checkKeys(page, "decisions", "options");
      const { signal, limit, after, ...filter } = page;
      const query = {
        ...queryOf(filter),
        ...(limit === undefined ? {} : { limit }),
        ...(after === undefined ? {} : { after }),
      };
      const call = signal === undefined ? {} : { signal };
      const { etag: _none, ...decisions } = await read(
        api.GET("/decisions", { ...call, params: { query } }),
        DECISIONS,
      );
      return decisions;
    },
    followDecisions(follow = {}) {
      checkKeys(follow, "follow", "options");
      const { signal, after, ...filter } = follow;
      const url = new URL(`${transport.baseUrl.replace(/\/$/, "")}/events`);
      url.search = new URLSearchParams(queryOf(filter)).toString();
      const open = (lastEventId: string | undefined) => {
        const headers = { ...ACCEPT, ...(lastEventId === undefined ? {} : { "Last-Event-ID": lastEventId }) };
        return transport.open(new Request(url, { headers, ...(signal === undefined ? {} : { signal }) }));
      };
      return followDecisions({ open, after, signal });
    },
  };
}

function queryOf({ decision, name, address, kind }: DecisionFilter) {
  return {
    ...(decision === undefined ? {} : { decision: decision.join(",") }),
    ...(name === undefined ? {} : { name }),
    ...(address === undefined ? {} : { address }),
    ...(kind === undefined ? {} : { kind }),
  };
}
