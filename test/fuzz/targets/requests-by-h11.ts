import { isIP } from "node:net";
import { z } from "zod";
import { readFirstOctets } from "../../../src/wire-names/first-octets.ts";
import { createRequestStream, type RequestsRead } from "../../../src/wire-names/request-stream.ts";
import { parsersMissing, QUESTIONS_AT_ONCE, startParsers } from "../engine/other-parsers.ts";
import type { Checker, Target } from "../engine/target.ts";
import { relayedRequest } from "./relayed-request.ts";

/** The Host fields of each request. */
const requestsShape = z.array(z.array(z.string()));

/**
 * The requests of a connection as h11's server reads them: as long as nothing is refused they are those that
 * were judged, by the same Host, and it finds no more of them.
 */
export const requestsByH11: Target = {
  name: "requests-by-h11",
  seeds: "relayed-request",
  missing: parsersMissing,
  make: relayedRequest.make,
  async open(): Promise<Checker> {
    const parsers = await Promise.resolve(startParsers());
    return {
      atOnce: QUESTIONS_AT_ONCE,
      async check(input) {
        const heads = readHeads(input);
        if (heads === undefined) return "refused";
        const found = requestsShape.parse(await parsers.ask("http", input));
        const isSame = found.every((hosts, at) => isSameHost(hosts, heads[at]));
        if (found.length > heads.length || !isSame)
          throw new Error(`shows ${JSON.stringify(heads)}, h11 reads ${JSON.stringify(found)}`);
        return found.length === heads.length ? `${found.length} in both` : "h11 reads fewer";
      },
      [Symbol.asyncDispose]: () => parsers[Symbol.asyncDispose](),
    };
  },
};

/** Undefined: something is refused. */
function readHeads(input: Buffer): RequestsRead["heads"] | undefined {
  const shown = readFirstOctets(input);
  if (shown.kind === "refused") return undefined;
  if (shown.kind !== "http") return [];
  const read = createRequestStream().read(input);
  return "kind" in read ? undefined : read.heads;
}

function isSameHost(hosts: readonly string[], head: RequestsRead["heads"][number] | undefined): boolean {
  const [host, ...others] = hosts;
  if (head === undefined || others.length > 0) return false;
  if (host === undefined) return head.name === undefined;
  const name = host.toLowerCase().replace(/(?::\d*)?$/, "");
  const bare = name.replace(/^\[(.*)\]$/, "$1");
  return isIP(bare) === 0 ? name.replace(/\.$/, "") === head.name : head.name === undefined;
}
